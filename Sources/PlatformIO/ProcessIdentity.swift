internal import Glibc

/// Which process, told apart from every other one before and after it with the same number.
///
/// Numbers are those of the caller's PID namespace; processes in different containers must not be
/// compared.
public struct ProcessIdentity: Hashable, Sendable {
  /// The process number.
  public let pid: Int32
  /// When it started, in clock ticks since the machine did (/proc/PID/stat, field 22); 0 when
  /// /proc cannot be read.
  public let startTime: UInt64
  /// Which run of the machine.
  public let boot: BootIdentity

  /// Makes an identity, for example from one that was written down.
  public init(pid: Int32, startTime: UInt64, boot: BootIdentity) {
    self.pid = pid
    self.startTime = startTime
    self.boot = boot
  }

  /// The calling process. Reads two small files of /proc; after a fork the answer differs.
  public static var current: ProcessIdentity {
    let pid = getpid()
    let startTime = ProcessStatus(of: pid)?.startTime ?? 0
    return ProcessIdentity(pid: pid, startTime: startTime, boot: .current)
  }

  /// The process still runs, in this run of the machine. True in doubt.
  public var isAlive: Bool {
    boot == .current && Self.isAlive(pid: pid, startTime: startTime)
  }

  /// A process with this number and start time runs; a start time of 0 stands for any.
  ///
  /// True in doubt, as when /proc hides the processes of other users. A process that has ended but
  /// was not yet waited for by its parent does not run: its locks are released.
  public static func isAlive(pid: Int32, startTime: UInt64) -> Bool {
    guard pid > 0 else { return false }
    guard let status = ProcessStatus(of: pid) else {
      return kill(pid, 0) == 0 || errno != ESRCH
    }
    return !status.hasEnded && (startTime == 0 || status.startTime == startTime)
  }
}

/// Which run of the machine: the kernel draws a new identifier at each start.
public struct BootIdentity: Hashable, Sendable {
  /// Bytes 0 to 7 of the UUID as one big-endian number.
  public let high: UInt64
  /// Bytes 8 to 15 in the same way.
  public let low: UInt64

  /// Makes an identity from its two halves.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The present run (/proc/sys/kernel/random/boot_id), read once; all zero when it is unknown.
  public static let current =
    BootIdentity(uuid: smallFile("/proc/sys/kernel/random/boot_id") ?? [])
    ?? BootIdentity(high: 0, low: 0)

  /// Reads the text form of a UUID: 32 hexadecimal digits, hyphens and a line end left out.
  init?(uuid text: [UInt8]) {
    let separators: [UInt8] = [UInt8(ascii: "-"), UInt8(ascii: "\n")]
    let characters = String(decoding: text.filter { !separators.contains($0) }, as: UTF8.self)
    // A number may begin with a sign; a UUID may not.
    guard characters.utf8.count == 32, characters.allSatisfy(\.isHexDigit),
      let high = UInt64(characters.prefix(16), radix: 16),
      let low = UInt64(characters.suffix(16), radix: 16)
    else { return nil }
    self.init(high: high, low: low)
  }
}

/// The two fields of /proc/PID/stat that matter here.
struct ProcessStatus: Equatable {
  /// A zombie, or about to go.
  let hasEnded: Bool
  /// Field 22.
  let startTime: UInt64

  init?(of pid: Int32) {
    guard let line = smallFile("/proc/\(pid)/stat") else { return nil }
    self.init(parsing: line)
  }

  /// Parses the line. Field 2 is a name in brackets chosen by the program, which may itself hold
  /// spaces and brackets; so counting starts after the last closing one.
  init?(parsing line: [UInt8]) {
    guard let end = line.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let separators: Set<UInt8> = [UInt8(ascii: " "), UInt8(ascii: "\n")]
    let fields = line[(end + 1)...].split { separators.contains($0) }
    // The first of these is field 3.
    guard fields.count > 19, let state = fields[0].first,
      let startTime = UInt64(String(decoding: fields[19], as: UTF8.self))
    else { return nil }
    let ended: Set<UInt8> = [UInt8(ascii: "Z"), UInt8(ascii: "X"), UInt8(ascii: "x")]
    hasEnded = ended.contains(state)
    self.startTime = startTime
  }
}

/// Up to 4 KiB of a file of /proc; nil when it cannot be read.
private func smallFile(_ path: String) -> [UInt8]? {
  // Safety: the path lives through the call.
  let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { _ = close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 4096)
  var count: Int
  repeat {
    // Safety: the array's own storage; the kernel gives such a file in one read.
    count = unsafe Glibc.read(descriptor, &bytes, bytes.count)
  } while count < 0 && errno == EINTR
  return count > 0 ? Array(bytes.prefix(count)) : nil
}

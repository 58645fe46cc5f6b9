import ByteCoding
import CommitLog
import Glibc
import LogFormat
import PlatformIO
import Quantities

/// Follows a writing process from another process: every record once, in order, while segments roll.
///
///     follow [--seconds N] [--rate RECORDS_PER_SECOND] [--class memory|async|disk] [--dir DIR]
///
/// The writer appends numbered records at the given rate; the reader, a process of its own, checks each
/// number. At the end the reader waits two idle seconds and reports the processor time that took.
@main
struct Follow {
  static func main() {
    do {
      let options = try Options(CommandLine.arguments.dropFirst())
      if options.isReader {
        try Reader(options).run()
      } else {
        try Writer(options).run()
      }
    } catch {
      say("follow: \(error)")
      exit(2)
    }
  }

  /// Prints a line at once.
  static func say(_ text: String) {
    print(text)
    fflush(nil)
  }
}

struct Failure: Error, CustomStringConvertible {
  let description: String
}

struct Options {
  var seconds: UInt64 = 10
  var rate: UInt64 = 1_000_000
  var durability = Durability.memory
  var directory = "."
  var isReader = false

  init(_ arguments: ArraySlice<String>) throws {
    var rest = arguments
    while let name = rest.popFirst() {
      if name == "--reader" {
        isReader = true
        continue
      }
      guard let value = rest.popFirst() else { throw Failure(description: "\(name) needs a value") }
      switch name {
      case "--seconds": seconds = UInt64(value) ?? 10
      case "--rate": rate = UInt64(value) ?? 1_000_000
      case "--dir": directory = value
      case "--class":
        switch value {
        case "memory": durability = .memory
        case "disk": durability = .disk
        case "async": durability = .async(maxDelayNanoseconds: 5_000_000, maxByteCount: 64 << 20)
        default: throw Failure(description: "--class is memory, async or disk")
        }
      default: throw Failure(description: "unknown option \(name)")
      }
    }
  }

  var className: String {
    switch durability {
    case .memory: "memory"
    case .async: "async"
    case .disk: "disk"
    }
  }
}

/// The writing process; starts the reader and waits for its verdict.
struct Writer {
  let options: Options
  init(_ options: Options) { self.options = options }

  func run() throws {
    let path = options.directory + "/follow-\(getpid())"
    try Store.create(at: path)
    let store = try Store.open(at: path)
    var settings = StreamOptions()
    settings.durability = options.durability
    settings.firstSegmentByteCount = 16 << 20
    settings.segmentByteCount = 64 << 20
    let log = try store.createStream(StreamName("numbers"), options: settings)
    let child = try startReader(path)
    let count = try write(log)
    try log.append(Self.record(.max))
    try log.flush()
    Follow.say("writer: \(count) records in \(options.seconds) s, class \(options.className)")
    var status: Int32 = 0
    waitpid(child, &status, 0)
    store.close()
    let removal = "rm -rf '\(path)'"
    _ = system(removal)
    guard status == 0 else { throw Failure(description: "the reader failed with status \(status)") }
    Follow.say("1 passed, 0 failed")
  }

  static func record(_ number: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(number)
    return bytes + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 92)
  }

  /// Appends at the rate, in steps of a millisecond.
  private func write(_ log: StreamLog) throws -> UInt64 {
    let clock = SystemTime()
    let began = clock.monotonicNanoseconds()
    var number: UInt64 = 0
    var bytes = Self.record(0)
    while true {
      let elapsed = clock.monotonicNanoseconds() - began
      if elapsed > options.seconds * 1_000_000_000 { return number }
      let due = elapsed / 1_000 * options.rate / 1_000_000
      while number < due {
        for index in 0..<8 {
          bytes[index] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(index)))
        }
        for index in 8..<100 { bytes[index] = UInt8(truncatingIfNeeded: number) }
        try log.append(bytes)
        number += 1
      }
      sleepNanoseconds(200_000)
    }
  }

  private func startReader(_ path: String) throws -> pid_t {
    var child: pid_t = 0
    let words = [CommandLine.arguments[0], "--reader", "--dir", path]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    arguments.append(nil)
    guard posix_spawn(&child, "/proc/self/exe", nil, nil, arguments, environ) == 0 else {
      throw Failure(description: "cannot start the reader")
    }
    return child
  }
}

/// The reading process.
struct Reader {
  let options: Options
  init(_ options: Options) { self.options = options }

  func run() throws {
    let store = try StoreReader.open(at: options.directory)
    var reader = try store.makeReader(of: StreamName("numbers"), from: .earliest)
    var next: UInt64 = 0
    var isDone = false
    var wrong: UInt64?
    var waits = 0
    while !isDone {
      let count = try reader.read { record in
        let number = record.value.littleEndianUnsigned64(at: 0) ?? 0
        if number == .max {
          isDone = true
        } else if number != next
          || record.value.unsigned8(at: 99) != UInt8(truncatingIfNeeded: number)
        {
          if wrong == nil { wrong = number }
        }
        next += 1
      }
      if let wrong { throw Failure(description: "record \(next) holds \(wrong)") }
      if count == 0, !isDone {
        waits += 1
        _ = reader.wait(timeoutNanoseconds: 5_000_000_000)
      }
    }
    let idle = idleProcessorTime(reader)
    Follow.say("reader: \(next - 1) records, each once and in order; \(waits) waits")
    Follow.say("reader: \(idle) us of processor time in 2 s of waiting")
  }

  /// Microseconds of processor time that two seconds of waiting cost.
  private func idleProcessorTime(_ reader: borrowing LogReader) -> UInt64 {
    let before = processorTime()
    _ = reader.wait(timeoutNanoseconds: 2_000_000_000)
    return processorTime() - before
  }

  private func processorTime() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
  }
}

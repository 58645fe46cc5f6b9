internal import ByteCoding
internal import Cryptography

/// What writer and verifier of seals agree on, as a file of text: which epochs there are, and, for the verifier
/// alone, the first key.
///
/// ```text
/// piperoll-seal v1
/// start 1770000000
/// epoch 900
/// grace 60
/// key 00112233...
/// ```
///
/// Seconds, since 1970-01-01 UTC where it is a time; the key in 64 lower-case hexadecimal digits.
public struct SealPlan: Sendable {
  /// Which epochs there are.
  public var schedule: SealSchedule
  /// The key of epoch 0; `nil` on the machine that writes.
  public var key: SealKey?

  /// Largest file that is read, in bytes.
  public static let byteCountLimit = 1_024
  private static let header = "piperoll-seal v1"

  /// A plan.
  public init(schedule: SealSchedule, key: SealKey? = nil) {
    (self.schedule, self.key) = (schedule, key)
  }

  /// The file.
  public var text: String {
    var lines = [
      Self.header, "start \(schedule.startSeconds)", "epoch \(schedule.epochSeconds)",
      "grace \(schedule.graceSeconds)",
    ]
    if let key { lines.append("key \(key.hexadecimal)") }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Reads a file; `nil` unless it is one.
  public init?(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count == 5 || lines.count == 6, lines.last == "", lines[0] == Self.header,
      let start = Self.value("start", lines[1]).flatMap({ Int64($0) }),
      let epoch = Self.value("epoch", lines[2]).flatMap({ UInt32($0) }),
      let grace = Self.value("grace", lines[3]).flatMap({ UInt32($0) }),
      let schedule = SealSchedule(
        startSeconds: start, epochSeconds: epoch, graceSeconds: grace)
    else { return nil }
    self.schedule = schedule
    guard lines.count == 6 else { return }
    guard let digits = Self.value("key", lines[4]), var bytes = Hexadecimal.bytes(digits) else {
      return nil
    }
    defer { SecretKey.wipe(&bytes) }
    guard let secret = SecretKey(bytes.rawSpan) else { return nil }
    key = SealKey(secret)
  }

  private static func value(_ name: String, _ line: Substring) -> Substring? {
    line.hasPrefix(name + " ") ? line.dropFirst(name.utf8.count + 1) : nil
  }
}

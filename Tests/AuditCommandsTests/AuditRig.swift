import AuditCommands
import CommandLineInterface
import Foundation
import PlatformIO
import Quantities
import Synchronization

/// A folder of its own, in which the auditor's commands run in this process.
final class AuditRig {
  let folder: String
  /// The wall-clock time of the commands, in nanoseconds since 1970-01-01 UTC.
  var now: Int64 = 0

  init() throws {
    folder = NSTemporaryDirectory() + "piperoll-audit-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ name: String) -> String { folder + "/" + name }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
  }

  func read(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// What a command came to.
  struct Outcome {
    let code: Int32
    let output: String
    let errors: String
    /// How far it gave way to others; `nil` when it was not asked to.
    let niceness: Int?

    /// One line on standard error and exit code 2: how every error should look.
    var isClearError: Bool {
      code == 2 && output.isEmpty && errors.hasPrefix("piperoll-audit ") && errors.hasSuffix("\n")
        && errors.dropLast().allSatisfy { $0 != "\n" }
    }
  }

  /// Runs a command line.
  func run(_ words: [String], isTerminal: Bool = false, isInterrupted: Bool = false) -> Outcome {
    let sink = AuditSink(isTerminal: isTerminal)
    let errors = ErrorText()
    var niceness: Int?
    let console = AuditConsole(
      output: sink, errors: { text in errors.text.withLock { $0 += text } },
      showsProgress: isTerminal, interruption: { isInterrupted }, time: SwiftClock(now),
      giveWay: { niceness = $0 })
    let code = AuditProgram.run(words, on: console).rawValue
    return Outcome(
      code: code, output: String(decoding: sink.bytes, as: UTF8.self),
      errors: errors.text.withLock { $0 }, niceness: niceness)
  }

  private final class ErrorText: Sendable {
    let text = Mutex("")
  }

  /// Output kept in memory.
  private final class AuditSink: OutputSink {
    var bytes: [UInt8] = []
    let isTerminal: Bool

    init(isTerminal: Bool) { self.isTerminal = isTerminal }

    func write(_ span: RawSpan) throws(OutputError) { bytes += span.withUnsafeBytes { Array($0) } }
    func flush() throws(OutputError) {}
  }

  /// A second passes whenever somebody looks.
  private final class SwiftClock: TimeSource {
    private let seconds = Atomic<UInt64>(0)
    private let wall: Int64

    init(_ wall: Int64) { self.wall = wall }

    func now() -> Timestamp { Timestamp(rawValue: wall) }
    func monotonicNanoseconds() -> UInt64 {
      seconds.add(1, ordering: .relaxed).newValue * 1_000_000_000
    }
  }
}

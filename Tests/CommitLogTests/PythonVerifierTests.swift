import CommitLog
import Foundation
import LogFormat
import PlatformIO
import Quantities
import Testing

/// `Tools/verify-log`, which knows nothing but FORMAT.md, agrees with the engine.
@Suite struct PythonVerifierTests {
  /// What it says of a store, and its exit code.
  private static func verify(_ path: String) throws -> (code: Int32, report: String) {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", root.joined(separator: "/") + "/Tools/verify-log", path]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let report = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: report, as: UTF8.self))
  }

  @Test(arguments: everyClass, [EvidenceClass.chain, .tree])
  func `the verifier in Python follows a stream through rolls, removals and reopening`(
    _ durability: Durability, _ evidence: EvidenceClass
  ) throws {
    try withFolder { folder in
      let path = folder + "/store"
      try Store.create(at: path)
      var removedCount = 0
      for round in 0..<4 as Range<UInt64> {
        let store = try Store.open(at: path)
        let log = try store.createStream(
          StreamName("s"), options: StreamLogEvidenceTests.options(durability, evidence))
        try StreamLogEvidenceTests.append(3_000, to: log, seed: round)
        _ = try store.stateHeads()
        let middle = (log.logStartOffset.rawValue + log.logEndOffset.rawValue) / 2
        if round.isMultiple(of: 2) {
          removedCount += try log.removeSegments(
            before: Offset(rawValue: middle), reason: "round \(round)"
          ).removed
        } else {
          // By a policy, beside a hold and a cursor.
          var policy = RetentionPolicy()
          policy.maximumRecordCount = 1_000
          policy.cursorNames = ["trainer"]
          policy.acknowledgement = .protects
          try log.setCursor("trainer", to: Offset(rawValue: middle))
          try log.setRetention(policy)
          try store.placeHold("case \(round)", reason: "a letter", on: StreamName("s"))
          try store.releaseHold("case \(round)")
          removedCount += try log.applyRetention().removals.reduce(0) { $0 + $1.segmentCount }
          try log.setRetention(RetentionPolicy())
          try store.placeHold("kept \(round)", reason: "", offsets: log.logEndOffset ..< .maximum)
        }
        store.close()
        let (code, report) = try Self.verify(path)
        #expect(code == 0, "\(report)")
      }
      #expect(removedCount > 0)
    }
  }
}

import CommandLineInterface
import Foundation
import PlatformIO
import Testing

@Suite struct SmallFileTests {
  /// Runs with a file that is removed afterwards.
  private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "piperoll-small-\(UUID().uuidString)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  private func failure(_ path: String, limit: Int) -> SmallFile.Failure? {
    do throws(SmallFile.Failure) {
      _ = try SmallFile.read(path, limit: limit, kind: "a letter")
      return nil
    } catch {
      return error
    }
  }

  @Test func `a file up to its limit is read, and a larger one is named`() throws {
    for count in [0, 1, 100, 65_536, 65_537, 200_000] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
      try withFile(bytes) { path in
        for limit in [count, count + 1] {
          let read = try SmallFile.read(path, limit: limit, kind: "a letter")
          #expect(read == bytes)
        }
        guard count > 0 else { return }
        let failure = self.failure(path, limit: count - 1)
        #expect(failure == .tooLarge(path: path, kind: "a letter", limit: count - 1))
        #expect("\(failure.map { "\($0)" } ?? "")".contains("too large for a letter"))
      }
    }
  }

  @Test func `what cannot be read says why`() {
    for path in ["/nowhere/at/all", "/", ""] {
      guard case .file(let error) = failure(path, limit: 10) else {
        Issue.record("read '\(path)'")
        continue
      }
      #expect(error.operation == .open)
    }
  }
}

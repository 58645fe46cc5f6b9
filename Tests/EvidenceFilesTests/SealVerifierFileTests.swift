import Cryptography
import EvidenceFiles
import Foundation
import Integrity
import Testing

@Suite struct SealVerifierFileTests {
  private let folder: ScratchFolder
  private let plan: SealPlan

  init() throws {
    folder = try ScratchFolder()
    let schedule = try #require(SealSchedule(startSeconds: 1_000, epochSeconds: 60))
    plan = SealPlan(schedule: schedule, key: SealKey(SecretKey(from: { 7 })))
  }

  private var bytes: [UInt8] { Array(plan.text.utf8) }

  private func error(_ path: String) -> SealVerifierFileError? {
    do throws(SealVerifierFileError) {
      _ = try SealVerifierFile.read(path)
      return nil
    } catch {
      return error
    }
  }

  @Test func `a file that its owner alone may read verifies seals`() throws {
    for mode in [0o600, 0o400] {
      let read = try SealVerifierFile.read(folder.write("a\(mode)", bytes, mode: mode))
      #expect(read.text == plan.text)
    }
  }

  @Test func `a file that others may read is refused, and none of it is shown`() throws {
    for mode in [0o640, 0o604, 0o620, 0o644] {
      let path = try folder.write("a", bytes, mode: mode)
      let error = try #require(self.error(path))
      #expect(error == .exposed(path: path, mode: UInt32(mode)))
      #expect("\(error)".contains("chmod 600") && !"\(error)".contains(plan.text.suffix(65)))
    }
  }

  @Test func `a plan without a key, and what is none, are told apart`() throws {
    let open = try folder.write(
      "plan", Array(SealPlan(schedule: plan.schedule).text.utf8), mode: 0o600)
    #expect(error(open) == .withoutKey(path: open))
    let wrong: [[UInt8]] = [
      [], Array(bytes.dropLast()), bytes + [0x0a], [0xff], [UInt8](repeating: 0x0a, count: 9_000),
    ]
    for content in wrong {
      let path = try folder.write("wrong", content, mode: 0o600)
      #expect(error(path) == .form(path: path))
    }
  }

  @Test func `no link, folder or FIFO verifies seals`() throws {
    let target = try folder.write("a", bytes, mode: 0o600)
    let link = "\(folder.path)/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    for path in [link, "\(folder.path)/absent"] {
      guard case .unreadable(path, _) = error(path) else {
        Issue.record("read: \(path)")
        continue
      }
    }
    let pipe = "\(folder.path)/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(error(pipe) == .form(path: pipe) && error(folder.path) == .form(path: folder.path))
  }
}

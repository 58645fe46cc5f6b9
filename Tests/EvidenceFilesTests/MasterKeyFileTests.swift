import ByteCoding
import Cryptography
import EvidenceFiles
import Foundation
import Testing

@Suite struct MasterKeyFileTests {
  private func error(_ path: String) -> MasterKeyFileError? {
    do throws(MasterKeyFileError) {
      _ = try MasterKeyFile.read(path)
      return nil
    } catch {
      return error
    }
  }

  @Test func `a master key is 32 bytes or 64 digits`() throws {
    let folder = try ScratchFolder()
    let bytes = [UInt8](100..<132)
    let digits = Array(Hexadecimal.text(bytes).utf8)
    for (number, content) in [bytes, digits, digits + [0x0a]].enumerated() {
      let key = try MasterKeyFile.read(folder.write("key\(number)", content, mode: 0o600))
      #expect(key.withBytes { $0.copyBytes() } == bytes)
    }
    var wrong = [[], Array(bytes.dropLast()), bytes + [0], digits + [0x20], digits + [0x0a, 0x0a]]
    wrong.append(Array(String(decoding: digits, as: UTF8.self).uppercased().utf8))
    wrong.append([UInt8](repeating: 0x30, count: 100_000))
    for content in wrong {
      let path = try folder.write("wrong", content, mode: 0o600)
      #expect(error(path) == .form(path: path))
    }
  }

  @Test func `a master key that others may read is refused`() throws {
    let folder = try ScratchFolder()
    let bytes = [UInt8](repeating: 5, count: 32)
    for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644] {
      let path = try folder.write("key", bytes, mode: mode)
      #expect(error(path) == .exposed(path: path, mode: UInt32(mode)))
    }
    #expect(try error(folder.write("key", bytes, mode: 0o400)) == nil)
  }

  @Test func `links, folders, FIFOs and absent files give no master key`() throws {
    let folder = try ScratchFolder()
    let target = try folder.write("key", [UInt8](repeating: 5, count: 32), mode: 0o600)
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
    #expect(error(pipe) == .form(path: pipe))
    #expect(error(folder.path) == .form(path: folder.path))
  }
}

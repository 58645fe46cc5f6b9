import ByteCoding
import Cryptography
import Foundation
import Integrity
import TestSupport
import Testing

@Suite struct EvidenceDocumentTests {
  private static let time = EvidenceSamples.time

  /// The worked example of EVIDENCE.md: its commands, and what they print.
  private static func example() throws -> (commands: String, output: String) {
    let text = String(decoding: try RepositoryFile("EVIDENCE.md").read(), as: UTF8.self)
    var (commands, output, isInside) = ("", "", false)
    var block: Substring?
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line == "<!-- by hand -->" { isInside = true }
      if line == "<!-- end -->" { isInside = false }
      if line.hasPrefix("```") {
        block = block == nil ? line.dropFirst(3) : nil
      } else if isInside, block == "sh" {
        commands += line + "\n"
      } else if isInside, block == "text" {
        output += line + "\n"
      }
    }
    return (commands, output)
  }

  /// What a shell prints.
  private static func shell(_ commands: String) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["bash", "-euo", "pipefail", "-c", commands]
    process.currentDirectoryURL = folder
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return String(decoding: output, as: UTF8.self)
  }

  @Test func `the commands of EVIDENCE md print what it says`() throws {
    let example = try Self.example()
    #expect(!example.output.isEmpty)
    #expect(try Self.shell(example.commands) == example.output)
  }

  @Test func `the numbers of EVIDENCE md are those of the code`() throws {
    func leaf(_ offset: UInt64, key: String?, type: String?, _ value: [UInt8]) -> Digest {
      let commitment = RecordContent.commitment(
        key: key.map { Array($0.utf8) }, type: type.map { Array($0.utf8) }, headers: [],
        value: value)
      return MerkleTree.leafHash(
        RecordLeaf(kind: .record, offset: offset, appendTime: Self.time, commitment: commitment)
          .encoded)
    }
    var builder = EvidenceBuilder(
      storeID: EvidenceSamples.storeID, streamID: 7, coverage: .tree)
    builder.append(
      [
        leaf(0, key: nil, type: nil, Array("one".utf8)),
        leaf(1, key: "k", type: nil, Array("two".utf8)),
        leaf(2, key: nil, type: "kind", Array("three".utf8)),
      ], recordCount: 3, appendTimes: (Self.time, Self.time))
    let ended = builder.endGroup()
    let group = try #require(ended)
    let heads = Statement(
      storeID: EvidenceSamples.storeID, streamID: 7,
      content: .heads(
        StreamHeads(
          groupCount: 1, nextOffset: 3, coverage: .tree, head: group.head, root: group.header.root,
          name: "orders")))
    let root = leaf(0, key: nil, type: heads.content.typeName, heads.encoded)
    let checkpoint = try Checkpoint(origin: "example.com/log", size: 1, root: root)
    let expected =
      "root \(group.header.root)\nhead \(group.head)\n"
      + String(decoding: checkpoint.text, as: UTF8.self)
    #expect(try Self.example().output.hasPrefix(expected))
  }

  @Test func `the signature of EVIDENCE md holds for the code too`() throws {
    let example = try Self.example()
    let lines = example.commands.split(separator: "\n")
    let vkey = try #require(lines.first { $0.hasPrefix("key=") }).dropFirst(4)
    let line = try #require(lines.first { $0.hasPrefix("line='") }).dropFirst(6).dropLast()
    let text = example.output.split(separator: "\n")[2..<5].joined(separator: "\n")
    let note = try SignedNote(Array("\(text)\n\n\(line)\n".utf8))
    let key = try NoteVerifierKey(String(vkey))
    #expect(try Checkpoint.verified(note, origin: "example.com/log", keys: [key]).size == 1)
  }
}

import CommandLineInterface
import CommitLog
import Foundation
import Glibc
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@Suite struct BadInputTests {
  @Test(arguments: ["../x", "..", ".", "", "a/b", "a\\b", "a\u{202e}b", "a\n", "-x", "x.", " x"])
  func `stream names that could lead out of the store are refused`(_ name: String) throws {
    let rig = try Rig().initialise()
    #expect(rig.run("append", rig.store, "--", name).isClearError)
    #expect(rig.run("info", rig.store, "--json").text.contains(#""streams":[]"#))
  }

  @Test(arguments: ["-1", "99999999999999999999", "9223372036854775808", "1e3", "x", "", "@now"])
  func `offsets that are none are refused`(_ offset: String) throws {
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", input: Array("a\n".utf8))
    #expect(rig.run("read", rig.store, "s", "--from=\(offset)").isClearError)
    #expect(rig.run("read", rig.store, "s", "--to=\(offset)").isClearError)
  }

  @Test func `an offset beyond the end is refused`() throws {
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", input: Array("a\n".utf8))
    let outcome = rig.run("read", rig.store, "s", "--from", "2")
    #expect(outcome.isClearError && outcome.errors.contains("log end offset 1"))
  }

  @Test func `a record over the limit is refused and what came before it is kept`() throws {
    let rig = try Rig().initialise()
    let big = [UInt8](repeating: 0x61, count: (16 << 20) + 1)
    let outcome = rig.run("append", rig.store, "s", input: Array("a\n".utf8) + big)
    #expect(outcome.isClearError && outcome.errors.contains("line 2"))
    #expect(rig.run("read", rig.store, "s").text == "a\n")
    let key = String(repeating: "k", count: 65_536)
    #expect(rig.run("append", rig.store, "s", "--key", key, input: [0x0a]).isClearError)
  }

  @Test func `what is no store is told from a missing directory`() throws {
    let rig = try Rig()
    #expect(rig.run("read", rig.path("none"), "s").errors.contains("no such file"))
    #expect(rig.run("read", rig.folder, "s").errors.contains("is not a store"))
    try rig.write("file", [1])
    for command in ["read", "append", "export", "import"] {
      let words =
        [command, rig.path("file"), "s"] + (command == "import" ? [rig.path("file")] : [])
      #expect(rig.run(words, input: PieceSource([])).isClearError)
    }
    #expect(rig.run("init", rig.path("file")).isClearError)
    try rig.write("notes.txt", [1])
    #expect(rig.run("init", rig.folder).isClearError)
  }

  @Test(arguments: ["SUPER", "meta/0000000000000001.seg"])
  func `an empty file in the place of the store's root is found and mended from its copy`(
    _ name: String
  ) throws {
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", input: Array("a\n".utf8))
    try rig.write("store/" + name, [])
    #expect(rig.run("verify", rig.store).code == .damaged)
    #expect(rig.run("read", rig.store, "s").text == "a\n")
    #expect(rig.run("append", rig.store, "s", input: Array("b\n".utf8)).code == .success)
    #expect(rig.run("verify", rig.store).code == .success)
    #expect(rig.run("read", rig.store, "s").text == "a\nb\n")
  }

  @Test func `foreign bytes and newer versions are told apart`() throws {
    let rig = try Rig().initialise()
    let root = try rig.read("store/SUPER")
    try rig.write("store/SUPER", [UInt8](repeating: 0x41, count: root.count))
    let foreign = rig.run("verify", rig.store)
    #expect(foreign.code == .damaged && foreign.text.contains("magic"))
    #expect(rig.run("dump", rig.store + "/SUPER").isClearError)
    var newer = root
    for position in SuperBlock.positions {
      let range = Int(position)..<(Int(position) + SuperBlock.byteCount)
      guard var copy = try? SuperBlock(root.span.bytes.extracting(range), at: position) else {
        continue
      }
      copy.version = FormatVersion(major: 9, minor: 0)
      newer.replaceSubrange(range, with: copy.encoded(at: position))
    }
    try rig.write("store/SUPER", newer)
    for command in ["info", "verify"] {
      let outcome = rig.run(command, rig.store)
      #expect(outcome.isClearError && outcome.errors.contains("newer version"))
    }
    #expect(rig.run("append", rig.store, "s", input: [0x0a]).isClearError)
  }

  @Test func `links in the store are not followed`() throws {
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", input: Array("a\n".utf8))
    let segment = try rig.segments()[0]
    try FileManager.default.moveItem(atPath: rig.path(segment), toPath: rig.path("elsewhere"))
    try FileManager.default.createSymbolicLink(
      atPath: rig.path(segment), withDestinationPath: rig.path("elsewhere"))
    let before = try rig.read("elsewhere")
    #expect(rig.run("read", rig.store, "s").code != .success)
    #expect(rig.run("append", rig.store, "s", input: Array("b\n".utf8)).isClearError)
    let verified = rig.run("verify", rig.store)
    #expect(verified.code == .damaged && verified.text.contains("not a regular file"))
    #expect(try rig.read("elsewhere") == before)
  }

  @Test func `a second writer is refused and told who the first one is`() throws {
    let rig = try Rig().initialise()
    let store = try Store.open(at: rig.store)
    defer { store.close() }
    let outcome = rig.run("append", rig.store, "s", input: Array("a\n".utf8))
    #expect(outcome.isClearError && outcome.errors.contains("process \(getpid())"))
    #expect(rig.run("info", rig.store).text.contains("process \(getpid())"))
  }

  @Test func `a copied store asks to be adopted`() throws {
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", input: Array("a\n".utf8))
    let copy = rig.path("copy")
    try FileManager.default.copyItem(atPath: rig.store, toPath: copy)
    let refused = rig.run("append", copy, "s", input: Array("b\n".utf8))
    #expect(refused.isClearError && refused.errors.contains("--adopt"))
    #expect(rig.run("append", copy, "s", "--adopt", input: Array("b\n".utf8)).code == .success)
    #expect(rig.run("read", copy, "s").text == "a\nb\n")
    #expect(rig.run("verify", copy).code == .success)
  }

  @Test func `a full disk ends an append cleanly and loses nothing`() throws {
    var options = SimulatedFileSystem.Options()
    options.byteCapacity = 8 << 20
    let disk = SimulatedFileSystem(options: options, directories: ["/data"])
    let rig = try Rig()
    rig.environment = StoreEnvironment(
      fileSystem: disk, time: SystemTime(), random: SystemRandom(), bootHash: 1)
    #expect(rig.run("init", "/data/s").code == .success)
    let line = [UInt8](repeating: 0x61, count: 999) + [0x0a]
    let pieces = [[UInt8]](repeating: line, count: 12_000)
    let outcome = rig.run(["append", "/data/s", "s", "--ack"], input: PieceSource(pieces))
    #expect(outcome.isClearError && outcome.errors.contains("no space"))
    let read = rig.run("read", "/data/s", "s")
    #expect(read.code == .success)
    #expect(read.output.count >= outcome.lines.count * line.count)
    #expect(!outcome.lines.isEmpty)
  }

  @Test(arguments: ["frobnicate", "reed"])
  func `an unknown command is a usage error`(_ name: String) throws {
    let outcome = try Rig().run(name)
    #expect(outcome.code == .usage && outcome.errors.hasPrefix("piperoll: '\(name)'"))
  }

  @Test func `settings of a stream are fixed`() throws {
    let rig = try Rig().initialise()
    #expect(rig.run("create", rig.store, "s").code == .success)
    #expect(rig.run("create", rig.store, "s").code == .success)
    #expect(rig.run("create", rig.store, "s", "--durability", "memory").isClearError)
    #expect(rig.run("create", rig.store, "t", "--max-delay", "1s").isClearError)
    #expect(rig.run("create", rig.store, "t", "--segment-bytes", "1KiB").isClearError)
  }
}

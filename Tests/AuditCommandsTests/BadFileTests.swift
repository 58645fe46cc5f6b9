import CommitLog
import Foundation
import Glibc
import LogFormat
import Testing

/// Each file of a store with evidence in turn gives place to something else, and the real program audits what
/// is left, with checkpoints that were held, in little memory.
@Suite struct BadFileTests {
  /// What stands in the place of a file.
  enum Form: String, CaseIterable {
    case random, otherStore, older, directory, link, sparse, empty, missing
  }

  private let held: HeldStore

  init() throws { held = try HeldStore(AuditRig()) }

  /// Whether a file says something of the log. The others do not, and here is why:
  /// - `LOCK` says who is writing, to those who want to write;
  /// - `BALLAST` and `spare/` are space that is set aside, their contents mean nothing (FORMAT.md, 2);
  /// - a segment that is prepared has no header yet: nothing was written to it.
  /// - an older `SUPER` names the same manifest, and otherwise who had opened the store how often.
  private func counts(_ name: String, _ form: Form = .random) throws -> Bool {
    if name == "SUPER" { return form != .older }
    if name.hasPrefix("meta/") { return true }
    guard name.hasPrefix("s/") else { return false }
    let file = try #require(FileHandle(forReadingAtPath: held.store.path + "/" + name))
    defer { try? file.close() }
    let page = try file.read(upToCount: SegmentHeader.byteCount) ?? Data()
    let bytes = [UInt8](page)
    return (try? SegmentHeader(bytes.span.bytes, at: 0)) != nil
  }

  /// Puts something in the place of a file; false where it would be the same.
  private func put(_ form: Form, _ name: String) throws -> Bool {
    let path = held.store.path + "/" + name
    let files = FileManager.default
    switch form {
    case .random:
      var random = SystemRandomNumberGenerator()
      let bytes = (0..<40_000).map { _ in UInt8.random(in: 0...255, using: &random) }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
    case .otherStore, .older:
      let source = (form == .older ? held.older : held.other).path + "/" + name
      guard files.fileExists(atPath: source) else { return false }
      let bytes = try Data(contentsOf: URL(fileURLWithPath: source))
      let present = try Data(contentsOf: URL(fileURLWithPath: path + ".aside"))
      guard bytes != present else { return false }
      // Opening a store writes recovery slots; the records are the same.
      let start = SegmentLayout.preambleByteCount
      if form == .older, name.hasPrefix("s/"), bytes.dropFirst(start) == present.dropFirst(start) {
        return false
      }
      try bytes.write(to: URL(fileURLWithPath: path))
    case .directory: try files.createDirectory(atPath: path, withIntermediateDirectories: false)
    case .link: try files.createSymbolicLink(atPath: path, withDestinationPath: path + ".aside")
    case .sparse:
      let file = open(path, O_CREAT | O_RDWR, 0o600)
      defer { close(file) }
      #expect(file >= 0 && ftruncate(file, 2 << 30) == 0)
    case .empty: try Data().write(to: URL(fileURLWithPath: path))
    case .missing: break
    }
    return true
  }

  /// Runs the program with less memory than the sparse files have bytes.
  private func run(_ words: [String]) throws -> (code: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    let program = try #require(AuditBinaryTests.program)
    process.arguments =
      ["-c", "ulimit -v 1500000; exec timeout --signal=KILL 120 \"$@\"", "bash", program] + words
    try held.rig.write("output", [])
    process.standardOutput = FileHandle(forWritingAtPath: held.rig.path("output"))
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let output = String(decoding: try held.rig.read("output"), as: UTF8.self)
    return (process.terminationReason == .exit ? process.terminationStatus : -1, output)
  }

  @Test(arguments: Form.allCases)
  func `whatever stands in the place of a file, the program ends with the right code`(_ form: Form)
    throws
  {
    guard AuditBinaryTests.program != nil else { return }
    let words = ["verify", held.store.path, "--json", "--jobs", "2"] + held.trust
    let whole = try run(words)
    #expect(whole.code == 0, "\(whole.output)")
    let names = try held.files(held.store)
    #expect(try names.count { try counts($0) } >= 6)
    for name in names {
      let path = held.store.path + "/" + name
      let isCounting = try counts(name, form)
      #expect(rename(path, path + ".aside") == 0)
      let isOther = try put(form, name)
      let outcome = try run(words)
      try? FileManager.default.removeItem(atPath: path)
      #expect(rename(path + ".aside", path) == 0)
      guard isOther else { continue }
      if isCounting {
        #expect(
          outcome.code == 1 || outcome.code == 2 || outcome.code == 3,
          "\(form) \(name): \(outcome)")
      } else {
        #expect(outcome.code == 0, "\(form) \(name): \(outcome)")
      }
    }
    #expect(try run(words).code == 0)
  }

  // MARK: Whole stores

  @Test
  func
    `a store that was put back is truncated, and without a checkpoint it is said what is not known`()
    throws
  {
    let back = try held.audit(held.older.path)
    #expect(back.code == 1 && Set(back.rules) == ["truncated"], "\(back)")
    let alone = try held.audit(held.older.path, holding: false)
    #expect(alone.code == 0 && alone.rules.isEmpty, "\(alone)")
    #expect(Set(alone.unchecked).isSuperset(of: ["history", "checkpoint"]))
  }

  @Test func `segments that were put back under a newer manifest are truncated`() throws {
    for name in try held.files(held.store) where name.hasPrefix("s/") {
      let source = held.older.path + "/" + name
      let target = held.store.path + "/" + name
      try FileManager.default.removeItem(atPath: target)
      guard FileManager.default.fileExists(atPath: source) else { continue }
      try FileManager.default.copyItem(atPath: source, toPath: target)
    }
    let outcome = try held.audit()
    #expect(outcome.code == 1 && outcome.rules.contains("truncated"), "\(outcome)")
  }

  @Test func `a tail that was cut off its file is named`() throws {
    let file = try #require(
      try held.store.segments().last { path in
        try counts(String(path.dropFirst(held.store.path.utf8.count + 1)))
      })
    #expect(truncate(file, 17_000) == 0)
    let outcome = try held.audit()
    #expect(outcome.code == 1, "\(outcome)")
    #expect(!Set(outcome.rules).isDisjoint(with: ["damaged-bytes", "truncated"]), "\(outcome)")
    let alone = try held.audit(holding: false)
    #expect(alone.code == 1, "\(alone)")
  }

  @Test func `a log that was made anew, and another log in its place, are rewritten`() throws {
    // The same records, one of them another, in a store of its own.
    let again = try AuditedStore(in: held.rig, name: "again", recordCount: 400)
    for path in [again.path, held.other.path] {
      let outcome = try held.audit(path)
      #expect(outcome.code == 1, "\(outcome)")
      #expect(Set(outcome.rules).isSubset(of: ["rewritten", "truncated"]), "\(outcome)")
      let alone = try held.audit(path, holding: false)
      #expect(alone.code == 0 && alone.unchecked.contains("checkpoint"))
    }
    let outcome = try held.audit(again.path)
    #expect(outcome.rules.contains("rewritten"), "\(outcome)")
  }

  @Test func `segments of two streams, or of two stores, that were exchanged are foreign`() throws {
    let names = try held.files(held.store).filter { name in
      try name.hasPrefix("s/") && counts(name)
    }
    let (one, two) = (held.store.path + "/" + names[0], held.store.path + "/" + names[1])
    #expect(rename(one, one + ".aside") == 0 && rename(two, one) == 0)
    #expect(rename(one + ".aside", two) == 0)
    for holding in [true, false] {
      let outcome = try held.audit(holding: holding)
      #expect(outcome.code == 1 && outcome.rules.contains("foreign-file"), "\(outcome)")
    }
  }
}

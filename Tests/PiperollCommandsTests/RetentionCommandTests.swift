import CommandLineInterface
import CommitLog
import Testing

@Suite struct RetentionCommandTests {
  private func rig() throws -> Rig {
    let rig = try Rig().initialise()
    #expect(rig.run("create", rig.store, "s", "--segment-bytes", "64KiB").code == .success)
    for first in stride(from: 0, to: 6_000, by: 500) {
      let lines = (first..<(first + 500)).map { "record \($0) of a stream with several segments\n" }
      #expect(rig.run("append", rig.store, "s", input: Array(lines.joined().utf8)).code == .success)
    }
    return rig
  }

  @Test func `a policy is set, shown, planned and carried out`() throws {
    let rig = try rig()
    #expect(rig.run("retention", "show", rig.store).text.contains("everything"))
    let none = rig.run("retention", "apply", rig.store)
    #expect(none.code == .success && none.text == "no stream has a policy\n")
    let set = rig.run(
      "retention", "set", rig.store, "s", "--max-records", "1000", "--max-age", "30d", "--json")
    #expect(set.code == .success, "\(set.errors)")
    #expect(
      set.text
        == "[{\"stream\":\"s\",\"maxAgeNanoseconds\":2592000000000000,\"maxBytes\":0,\"maxRecords\":1000,"
        + "\"acknowledged\":\"ignored\",\"cursors\":[]}]\n")
    #expect(rig.run("retention", "show", rig.store, "s").text.contains("30d, 1000 records"))
    #expect(rig.run("info", rig.store).text.contains("keeps    stream 's': 30d, 1000 records"))
    #expect(rig.run("info", rig.store, "--json").text.contains("\"maxRecords\":1000"))
    let plan = rig.run("retention", "apply", rig.store, "--plan")
    #expect(plan.text.contains("would remove") && plan.text.contains("; records)"), "\(plan.text)")
    #expect(rig.run("read", rig.store, "s").lines.count == 6_000)
    let done = rig.run("retention", "apply", rig.store, "s")
    #expect(
      done.text == plan.text.replacing("would remove", with: "removed"),
      "\(done.text) \(done.errors)")
    let left = rig.run("read", rig.store, "s").lines
    #expect(left.count >= 1_000 && left.count < 6_000)
    #expect(left.last == "record 5999 of a stream with several segments")
    #expect(rig.run("retention", "apply", rig.store).text.contains("nothing is beyond"))
    #expect(rig.run("verify", rig.store).code == .success)
    #expect(rig.run("retention", "set", rig.store, "s", "--everything").text.contains("everything"))
  }

  @Test func `a hold is placed, listed and released`() throws {
    let rig = try rig()
    #expect(rig.run("hold", "list", rig.store).text == "no holds\n")
    let placed = rig.run(
      "hold", "place", rig.store, "case-17", "--reason", "a letter", "--stream", "s", "--from", "0",
      "--to", "10")
    #expect(placed.code == .success, "\(placed.errors)")
    #expect(rig.run("hold", "list", rig.store).text == placed.text)
    #expect(rig.run("info", rig.store).text.contains("'case-17' keeps records of stream 's'"))
    #expect(rig.run("info", rig.store, "--json").text.contains("\"holds\":[{\"name\":\"case-17\""))
    _ = rig.run("retention", "set", rig.store, "s", "--max-records", "1")
    let held = rig.run("retention", "apply", rig.store)
    #expect(held.text.contains("waits for hold 'case-17'"), "\(held.text)")
    #expect(rig.run("redact", rig.store, "s", "--offset", "3").errors.contains("case-17"))
    let released = rig.run("hold", "release", rig.store, "case-17", "--json")
    #expect(released.text.contains("\"nextOffset\":10"), "\(released.errors)")
    #expect(rig.run("retention", "apply", rig.store).text.contains("removed"))
  }

  @Test(arguments: [
    (["retention", "set"], "needs the name"),
    (["retention", "set", "s"], "nothing is said to keep"),
    (["retention", "set", "t", "--max-records", "1"], "no stream 't'"),
    (["retention", "set", "s", "--max-age", "0s"], "--max-age"),
    (["retention", "set", "s", "--max-bytes", "0"], "--max-bytes"),
    (
      ["retention", "set", "s", "--everything", "--max-records", "5"], "leave the other bounds out"
    ),
    (["retention", "set", "s", "--acknowledged", "decides"], "no cursors are named"),
    (
      ["retention", "set", "s", "--cursor", "", "--acknowledged", "removes"], "no name of a cursor"
    ),
    (["retention", "set", "s", "--max-records", "5", "--plan"], "retention apply"),
    (["retention", "apply", "s", "--max-records", "5"], "retention set"),
    (["retention", "apply", "t"], "no stream 't'"),
    (["retention", "show", "t"], "no stream 't'"),
    (["retention", "drop"], "drop"),
    (["hold", "place"], "NAME"),
    (["hold", "place", "h"], "--reason"),
    (["hold", "place", "h", "--reason", "r", "--stream", "t"], "no stream 't'"),
    (["hold", "place", "h", "--reason", "r", "--from", "5", "--to", "5"], "before --to"),
    (["hold", "release", "h"], "no hold 'h'"),
  ])
  func `what makes no sense is refused with a reason`(_ words: [String], _ reason: String) throws {
    let rig = try rig()
    let result = rig.run(
      Array(words.prefix(2)) + [rig.store] + words.dropFirst(2), input: PieceSource([]))
    #expect(result.code == .usage && result.text.isEmpty)
    #expect(result.errors.contains(reason), "\(result.errors)")
    #expect(result.errors.split(separator: "\n").count == 1)
  }
}

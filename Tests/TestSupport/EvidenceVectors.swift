import ByteCoding
import Cryptography
import Integrity
import LogFormat
import Quantities

/// Known answers about evidence for readers of any language: the files of `Fixtures/evidence-v1`.
///
/// Numbers of 64 bits are decimal texts, because JSON's own numbers are not wide enough; bytes are
/// hexadecimal texts.
public enum EvidenceVectors {
  /// Path under `Fixtures/evidence-v1`, and bytes.
  public static func files() throws(FormatError) -> [(path: String, bytes: [UInt8])] {
    let leaves = try records().map { record throws(FormatError) in try leaf(record) }
    return [
      ("leaves.json", file(leaves + [leaf(.gap), leaf(.lost)])),
      ("groups.json", file(groups(.tree) + groups(.chain))),
      ("statements.json", file(EvidenceSamples.statements.map(statement))),
    ]
  }

  private static func file(_ entries: [[(String, String)]]) -> [UInt8] {
    let lines = entries.map { fields in
      "  {" + fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
    }
    return Array(("[\n" + lines.joined(separator: ",\n") + "\n]\n").utf8)
  }

  private static func text(_ value: some Any) -> String { "\"\(value)\"" }

  private static func hex(_ bytes: [UInt8]?) -> String {
    bytes.map { text(Hexadecimal.text($0)) } ?? "null"
  }

  // MARK: Leaves

  /// Records of every shape, some with a salt.
  private static func records() throws(FormatError) -> [(RecordSpec, salt: [UInt8]?)] {
    let salt = [UInt8](repeating: 0x5a, count: RecordContent.saltByteCount)
    return [
      (RecordSpec("hello"), nil), (RecordSpec(""), nil), (RecordSpec("", key: ""), nil),
      (RecordSpec("", type: ""), nil), (RecordSpec("value", key: "k", type: "t"), nil),
      (RecordSpec("at a time", eventTime: EvidenceSamples.time), nil),
      (RecordSpec("before 1970", eventTime: -1), nil),
      (
        RecordSpec(
          "all", key: "key", type: "type",
          headers: [.init(name: "trace", value: [1, 2, 3]), .init(name: "x", value: [])],
          eventTime: 0), nil
      ),
      (RecordSpec("", key: "gone", isTombstone: true), nil),
      (RecordSpec("long key", key: String(repeating: "k", count: 127)), nil),
      (RecordSpec("longer key", key: String(repeating: "k", count: 300)), nil),
      (RecordSpec("hello"), salt), (RecordSpec("all", key: "key", type: "type"), salt),
    ]
  }

  private static func leaf(_ record: (spec: RecordSpec, salt: [UInt8]?)) throws(FormatError)
    -> [(String, String)]
  {
    let (spec, headers) = (record.spec, try record.spec.headerBlock())
    let commitment = RecordContent.commitment(
      eventTime: spec.eventTime?.rawValue, key: spec.key, type: spec.type, headers: headers,
      value: spec.value, salt: record.salt)
    var flags: RecordLeaf.Flags = spec.isTombstone ? .tombstone : []
    if record.salt != nil { flags.insert(.salted) }
    let leaf = RecordLeaf(
      kind: .record, flags: flags, offset: 0x0102_0304_0506_0708, appendTime: EvidenceSamples.time,
      commitment: commitment)
    let parts = [
      ("key", hex(spec.key)), ("type", hex(spec.type)), ("headers", hex(headers)),
      ("value", hex(spec.value)), ("eventTime", spec.eventTime.map { text($0.rawValue) } ?? "null"),
      ("isTombstone", "\(spec.isTombstone)"), ("salt", hex(record.salt)),
    ]
    return parts + fields(leaf)
  }

  private static func leaf(_ kind: RecordLeaf.Kind) -> [(String, String)] {
    fields(RecordLeaf(kind: kind, offset: 9, appendTime: 0))
  }

  private static func fields(_ leaf: RecordLeaf) -> [(String, String)] {
    [
      ("kind", text(leaf.kind)), ("offset", text(leaf.offset)),
      ("appendTime", text(leaf.appendTime)), ("commitment", hex(leaf.commitment.bytes)),
      ("leaf", hex(leaf.encoded)), ("hash", hex(MerkleTree.leafHash(leaf.encoded).bytes)),
    ]
  }

  // MARK: Groups

  /// Three groups of a stream of which every offset is a gap, so that its leaves need no file.
  private static func groups(_ coverage: EvidenceCoverage) -> [[(String, String)]] {
    var builder = EvidenceBuilder(
      storeID: EvidenceSamples.storeID, streamID: 7, coverage: coverage)
    var first: UInt64 = 0
    return [3, 300, 777].compactMap { (next: UInt64) -> [(String, String)]? in
      let leaves = (first..<next).map {
        MerkleTree.leafHash(RecordLeaf(kind: .gap, offset: $0, appendTime: 0).encoded)
      }
      first = next
      builder.append(leaves, recordCount: 0, appendTimes: (0, 0))
      guard let group = builder.endGroup() else { return nil }
      let frontier = group.state.frontier.hashes.map { hex($0.bytes) }
      let nodes = group.nodes.flatMap(\.hashes).map { hex($0.bytes) }
      return [
        ("evidence", text(coverage)), ("number", text(group.header.sequence)),
        ("firstOffset", text(group.header.firstOffset)),
        ("nextOffset", text(group.header.nextOffset)), ("root", hex(group.header.root.bytes)),
        ("header", hex(group.header.encoded)), ("headBefore", hex(group.previousHead.bytes)),
        ("head", hex(group.head.bytes)), ("frontier", "[\(frontier.joined(separator: ", "))]"),
        ("nodes", "[\(nodes.joined(separator: ", "))]"),
      ]
    }
  }

  // MARK: Statements

  private static func statement(_ statement: Statement) -> [(String, String)] {
    var fields = [
      ("kind", text(statement.content.typeName)), ("storeID", hex(statement.storeID)),
      ("streamID", text(statement.streamID)),
    ]
    switch statement.content {
    case .heads(let heads):
      fields += [
        ("groups", text(heads.groupCount)), ("nextOffset", text(heads.nextOffset)),
        ("coverage", "\(heads.coverage.rawValue)"), ("head", hex(heads.head.bytes)),
        ("root", hex(heads.root.bytes)), ("name", text(heads.name)),
      ]
    case .removal(let removal):
      fields += [
        ("firstOffset", text(removal.firstOffset)), ("nextOffset", text(removal.nextOffset)),
        ("time", text(removal.time)), ("groups", text(removal.groupCount)),
        ("groupedOffset", text(removal.groupedOffset)), ("head", hex(removal.head.bytes)),
        ("coverage", "\(removal.coverage?.rawValue ?? 0)"), ("cause", "\(removal.cause.rawValue)"),
        ("reason", text(removal.reason)), ("hasLeaves", "\(removal.hasLeaves)"),
        ("hashes", "[\(removal.hashes.map { hex($0.bytes) }.joined(separator: ", "))]"),
      ]
    case .erasure(let erasure):
      fields += [
        ("time", text(erasure.time)), ("subjectCode", hex(erasure.subjectCode.bytes)),
        ("reason", text(erasure.reason)),
      ]
    case .redaction(let redaction):
      fields += [
        ("time", text(redaction.time)), ("leaf", hex(redaction.leaf.encoded)),
        ("reason", text(redaction.reason)),
      ]
    case .seal(let seal): fields += [("seal", hex(seal.encoded))]
    }
    return fields + [("statement", hex(statement.encoded))]
  }
}

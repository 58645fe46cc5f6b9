import Integrity
import LogFormat

/// Examples of section 13: what is hashed, and what a store says of itself.
extension Example {
  /// In the order of the document.
  static let evidence: [Example] = [leaf, heads, removal, erasure, redaction]

  /// The leaf of the solo record of section 7.2.
  private static var leaf: Example {
    let record = RecordLeaf(
      kind: .record, offset: 1_000, appendTime: Samples.time,
      commitment: RecordContent.commitment(
        key: nil, type: nil, headers: [], value: Array("hello".utf8)))
    return Example(
      name: "leaf", bytes: record.encoded,
      fields: [
        .field(1, "version"), .field(1, "kind: record"), .field(2, "flags"),
        .field(8, "offset 1000"), .field(8, "append time"),
        .field(32, "commitment: SHA-256 of \"PRC1\", 4 bytes of zero, \"hello\""),
      ])
  }

  private static func head(_ kind: String, _ stream: String = "stream id") -> [Field] {
    [
      .field(1, "version"), .field(1, "kind: \(kind)"), .zeros(6), .field(16, "store id"),
      .field(8, stream),
    ]
  }

  private static var heads: Example {
    Example(
      name: "statement-heads", bytes: EvidenceSamples.heads.encoded,
      fields: head("heads") + [
        .field(8, "groups"), .field(8, "next offset"), .field(1, "coverage: tree"), .zeros(7),
        .field(32, "head"), .field(32, "root"), .field(2, "name length"),
        .field(14, "name \"orders/größe\""),
      ])
  }

  private static var removal: Example {
    Example(
      name: "statement-removal", bytes: EvidenceSamples.removal(.chain).encoded,
      fields: head("removal") + [
        .field(8, "first offset 250"), .field(8, "next offset 515"), .field(8, "time"),
        .field(8, "groups"), .field(8, "grouped offset 512"), .field(32, "head"),
        .field(1, "coverage: chain"), .field(1, "cause: age"), .field(2, "reason length"),
        .zeros(4), .field(18, "reason \"older than 30 days\""), .field(32, "hash of leaf 512"),
        .field(32, "of leaf 513"), .field(32, "of leaf 514"),
      ])
  }

  private static var erasure: Example {
    Example(
      name: "statement-erasure", bytes: EvidenceSamples.erasure.encoded,
      fields: head("erasure", "the whole store") + [
        .field(8, "time"), .field(32, "subject code"), .field(2, "reason length"),
        .field(18, "reason \"asked for, case 12\""),
      ])
  }

  private static var redaction: Example {
    Example(
      name: "statement-redaction", bytes: EvidenceSamples.redaction.encoded,
      fields: head("redaction") + [
        .field(8, "time"), .field(1, "leaf: version"), .field(1, "kind: record"),
        .field(2, "flags: salted"), .field(8, "offset"), .field(8, "append time"),
        .field(32, "commitment"), .field(2, "reason length"), .field(10, "reason \"a password\""),
      ])
  }
}

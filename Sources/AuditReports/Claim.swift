internal import AuditVerification
internal import Integrity

/// Something that holds of a stream or does not: what an audit asks, one question at a time.
enum Claim: String, CaseIterable {
  case files
  case bytes
  case records
  case chain
  case tree
  case end
  case index
  case statements
  case seals
  case checkpoints

  /// What holds, in a sentence.
  var sentence: String {
    switch self {
    case .files: "all files are there, and in their places"
    case .bytes: "bytes fit their checksums and each other"
    case .records: "records are those that the evidence was made from"
    case .chain: "each group goes on from the one before it"
    case .tree: "the tree made again has the roots that were kept"
    case .end: "the log reaches, and agrees with, what was known before"
    case .index: "indexes answer as the records do"
    case .statements: "what the store states of itself is true"
    case .seals: "seals fit their data and their neighbours"
    case .checkpoints: "checkpoints are signed and witnessed as they should be"
    }
  }

  /// The claim that a finding denies.
  init(deniedBy rule: Finding.Rule) {
    self =
      switch rule {
      case .missingFile, .foreignFile: .files
      case .damagedBytes, .contradiction, .unexpectedBytes, .newer: .bytes
      case .changedRecords, .missingRecords: .records
      case .brokenChain: .chain
      case .unboundHeads: .tree
      case .truncated, .rewritten: .end
      case .wrongIndex: .index
      case .falseStatement: .statements
      case .wrongSeal: .seals
      case .untrustedCheckpoint, .badSignature, .missingWitness: .checkpoints
      }
  }

  /// Claims that were examined of a stream, by the evidence it has.
  static func examined(of coverage: EvidenceCoverage?) -> [Claim] {
    switch coverage {
    case nil: [.files, .bytes, .index]
    case .chain: [.files, .bytes, .records, .chain, .end, .index]
    case .tree: [.files, .bytes, .records, .chain, .tree, .end, .index]
    }
  }
}

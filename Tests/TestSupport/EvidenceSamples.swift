import Cryptography
import Integrity

/// Statements and leaves for tests: some that stand still, and random ones.
public enum EvidenceSamples {
  /// The store of the samples.
  public static let storeID: [UInt8] = (0..<16).map { 0x11 &* $0 }
  /// A time in 2026.
  public static let time: Int64 = 1_767_225_600_000_000_000

  /// A digest that tells where it comes from.
  public static func digest(_ number: UInt8) -> Digest { SHA256.digest([number]) }

  /// A record's leaf.
  public static let leaf = RecordLeaf(
    kind: .record, flags: .salted, offset: 7, appendTime: time, commitment: digest(7))

  /// One statement of each kind, and a removal for each coverage.
  public static let statements: [Statement] = [
    heads, removal(.tree), removal(.chain), removal(nil), erasure, redaction,
  ]

  /// Heads of a stream with a tree.
  public static let heads = Statement(
    storeID: storeID, streamID: 7,
    content: .heads(
      StreamHeads(
        groupCount: 3, nextOffset: 1_026, coverage: .tree, head: digest(1), root: digest(2),
        name: "orders/größe")))

  /// A removal of the offsets 250 to 515: the end of a block, a whole one, the start of another.
  public static func removal(_ coverage: EvidenceCoverage?) -> Statement {
    let count =
      switch coverage {
      case .tree: 6 + 1 + 3
      case .chain: 515 - 512
      case nil: 0
      }
    return Statement(
      storeID: storeID, streamID: 7,
      content: .removal(
        RecordRemoval(
          firstOffset: 250, nextOffset: 515, time: time, groupCount: 2, groupedOffset: 512,
          head: digest(1), coverage: coverage, cause: .age, reason: "older than 30 days",
          hasLeaves: coverage == .tree ? [true, false, true] : [],
          hashes: (0..<count).map { digest(UInt8($0)) })))
  }

  /// The erasure of a subject.
  public static let erasure = Statement(
    storeID: storeID, streamID: 0,
    content: .erasure(
      SubjectErasure(time: time, subjectCode: digest(3), reason: "asked for, case 12")))

  /// The redaction of a record.
  public static let redaction = Statement(
    storeID: storeID, streamID: 7,
    content: .redaction(RecordRedaction(time: time, leaf: leaf, reason: "a password")))

  /// A statement of any kind with any content.
  public static func statement(using random: inout SeededGenerator) -> Statement {
    let content: Statement.Content =
      switch random.below(4) {
      case 0: .heads(heads(using: &random))
      case 1: .removal(removal(using: &random))
      case 2:
        .erasure(
          SubjectErasure(
            time: Int64(bitPattern: random.next()), subjectCode: digest(using: &random),
            reason: text(using: &random)))
      default:
        .redaction(
          RecordRedaction(
            time: Int64(bitPattern: random.next()), leaf: leaf(using: &random),
            reason: text(using: &random)))
      }
    return Statement(storeID: random.bytes(16), streamID: random.next(), content: content)
  }

  /// A leaf of any kind.
  public static func leaf(using random: inout SeededGenerator) -> RecordLeaf {
    let offset = random.next()
    if random.below(4) == 0 {
      return RecordLeaf(kind: random.below(2) == 0 ? .gap : .lost, offset: offset, appendTime: 0)
    }
    return RecordLeaf(
      kind: .record, flags: RecordLeaf.Flags(rawValue: UInt16(random.below(4))), offset: offset,
      appendTime: Int64(bitPattern: random.next()), commitment: digest(using: &random))
  }

  private static func digest(using random: inout SeededGenerator) -> Digest {
    Digest(random.bytes(Digest.byteCount)) ?? Digest()
  }

  private static func text(using random: inout SeededGenerator) -> String {
    String((0..<random.below(40)).map { _ in ["a", " ", "ß", "\u{1f512}"][random.below(4)] })
  }

  private static func heads(using random: inout SeededGenerator) -> StreamHeads {
    let nextOffset = random.next() >> UInt64(random.below(64))
    let (head, root) = (digest(using: &random), digest(using: &random))
    return StreamHeads(
      groupCount: nextOffset == 0 ? 0 : random.next() % nextOffset, nextOffset: nextOffset,
      coverage: random.below(2) == 0 ? .chain : .tree, head: head, root: root,
      name: text(using: &random))
  }

  private static func removal(using random: inout SeededGenerator) -> RecordRemoval {
    let block = RecordRemoval.blockLeafCount
    let first = random.next() >> UInt64(2 + random.below(62))
    let next = first + 1 + UInt64(random.below(1_500))
    let grouped = first + UInt64(random.below(Int(next - first) + 1))
    let coverage = [nil, EvidenceCoverage.chain, .tree][random.below(3)]
    var (hasLeaves, count) = ([Bool](), 0)
    if coverage == .chain { count = Int(next - grouped) }
    if coverage == .tree {
      for number in RecordRemoval.blocks(from: first, to: next) {
        let (start, end) = (max(first, number * block), min(next, (number + 1) * block))
        hasLeaves.append(end - start < block || random.below(3) == 0)
        count += hasLeaves[hasLeaves.count - 1] ? Int(end - start) : 1
      }
    }
    return RecordRemoval(
      firstOffset: first, nextOffset: next, time: Int64(bitPattern: random.next()),
      groupCount: grouped / 2, groupedOffset: grouped, head: digest(using: &random),
      coverage: coverage,
      cause: RecordRemoval.Cause.allCases[random.below(RecordRemoval.Cause.allCases.count)],
      reason: text(using: &random), hasLeaves: hasLeaves,
      hashes: (0..<count).map { _ in digest(using: &random) })
  }
}

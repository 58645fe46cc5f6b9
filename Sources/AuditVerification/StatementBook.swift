internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import PlatformIO

/// What a store says of itself in its evidence stream.
struct StatementBook: Sendable {
  /// By stream.
  private(set) var streams: [UInt64: StreamStatements] = [:]
  private(set) var events: [StatedEvent] = []
  private(set) var findings: [Finding] = []
  /// Statements of heads that were left out to bound memory.
  private(set) var skippedCount: UInt64 = 0
  /// What seals come to.
  var seals: SealAudit
  /// Which statements are sealed; `nil` unless it is known of all of them.
  var sealedEpochs: SealedEpochs? {
    guard let sealed = seals.sealed, !sealed.isThinned, skippedCount == 0 else { return nil }
    return sealed
  }
  private let names: [UInt64: String]
  /// By stream: sizes whose roots are wanted.
  private let wanted: [UInt64: Set<UInt64>]
  private var headsCount = 0

  /// Statements of heads that are kept.
  static let headsLimit = 65_536
  /// Events that are kept.
  static let eventLimit = 65_536

  init(names: [UInt64: String], wanted: [UInt64: Set<UInt64>], seals: SealAudit) {
    (self.names, self.wanted, self.seals) = (names, wanted, seals)
  }

  /// Takes the next statement.
  ///
  /// - Parameters:
  ///   - value: The record's value.
  ///   - offset: Its offset in the evidence stream.
  ///   - time: When it was appended.
  ///   - place: The evidence stream.
  mutating func take(
    _ value: [UInt8], at offset: UInt64, time: Int64, _ place: Finding.Place
  ) {
    let statement: Statement
    do throws(StatementError) { statement = try Statement(value.rawSpan) } catch {
      var place = place
      place.offsets = offset..<(offset + 1)
      guard findings.count < StreamWalk.findingCountLimit else { return }
      let isNewer = error == .newer
      findings.append(
        .at(
          place, isNewer ? .newer : .falseStatement, isNewer ? .warning : .broken, .unknown,
          "\(error)"))
      return
    }
    let id = statement.streamID
    if case .seal(let seal) = statement.content { return seals.take(seal, at: offset) }
    seals.note(time, at: offset)
    switch statement.content {
    case .heads(let heads):
      streams[id, default: StreamStatements()].heads.append(
        StatedHeads(heads, statementOffset: offset))
      headsCount += 1
      if headsCount > Self.headsLimit { thin() }
    case .removal(let removal):
      note(
        "removal", offset, id, removal.firstOffset..<removal.nextOffset, removal.time,
        removal.cause.name, removal.reason)
      take(removal, of: id, at: offset, place)
    case .erasure(let erasure):
      note("erasure", offset, id, 0..<0, erasure.time, "", erasure.reason)
    case .redaction(let redaction):
      let record = redaction.leaf.offset
      guard record < UInt64(Int64.max) else { return }
      note("redaction", offset, id, record..<(record + 1), redaction.time, "", redaction.reason)
      streams[id, default: StreamStatements()].redacted[record] = redaction.leaf
    case .seal: break
    }
  }

  private mutating func note(
    _ kind: String, _ offset: UInt64, _ id: UInt64, _ offsets: Range<UInt64>, _ time: Int64,
    _ cause: String, _ reason: String
  ) {
    guard events.count < Self.eventLimit else { return }
    events.append(
      StatedEvent(
        kind: kind, statementOffset: offset, streamID: id, streamName: names[id] ?? "",
        offsets: offsets, time: time, cause: cause, reason: reason))
  }

  private mutating func take(
    _ removal: RecordRemoval, of id: UInt64, at offset: UInt64, _ place: Finding.Place
  ) {
    var statements = streams[id] ?? StreamStatements()
    var removed = statements.removed ?? RemovedPart()
    let before = removed.nextOffset
    // Roots that were stated, and those that checkpoints name.
    let sizes = Set(statements.heads.map(\.nextOffset)).union(wanted[id] ?? [])
    removed.take(removal, wanted: sizes)
    if removal.firstOffset < before {
      report(
        place, offset,
        "it says that offsets from \(removal.firstOffset) are gone, and those before \(before) were"
      )
    }
    for heads in statements.heads where heads.coverage == .tree {
      if let root = removed.roots[heads.nextOffset], root != heads.root {
        report(
          place, offset,
          "the hashes that it keeps do not lead to the root that statement "
            + "\(heads.statementOffset) has of offset \(heads.nextOffset)")
      }
    }
    // What is gone needs no comparison any more.
    let newest = statements.heads.last
    let kept = statements.heads.filter { $0.groupCount > removal.groupCount || $0 == newest }
    headsCount -= statements.heads.count - kept.count
    statements.heads = kept
    statements.removed = removed
    streams[id] = statements
  }

  private mutating func report(_ place: Finding.Place, _ offset: UInt64, _ what: String) {
    var place = place
    place.offsets = offset..<(offset + 1)
    guard findings.count < StreamWalk.findingCountLimit else { return }
    findings.append(.at(place, .falseStatement, .broken, .edit, what))
  }

  /// Leaves out every second statement of heads but the newest of each stream.
  private mutating func thin() {
    for (id, statements) in streams where statements.heads.count > 2 {
      let count = statements.heads.count
      streams[id]?.heads = statements.heads.enumerated().filter {
        $0.offset % 2 == 0 || $0.offset == count - 1
      }.map(\.element)
    }
    let kept = streams.values.reduce(0) { $0 + $1.heads.count }
    skippedCount += UInt64(headsCount - kept)
    headsCount = kept
  }
}

public import CommitLog
public import Cryptography
public import Integrity
internal import PlatformIO
public import Quantities

/// Keeps checkpoints of other logs as records of one stream, the parent: whoever witnesses the parent has
/// then seen all of them (C2SP tlog-witness speaks of it for logs that are embedded in programs).
///
/// A checkpoint is taken by the rules by which a witness cosigns: its log's signature holds, and it goes on,
/// provably, from the newest one of its log that the parent has. What was seen is nothing but what the
/// parent's records say, so there is no other state to lose. Methods may be called from any thread, and
/// several aggregators may share a stream: the append is refused when another record came in between.
public final class CheckpointAggregator: Sendable {
  /// Largest checkpoint that is taken, in bytes with its signatures.
  public static let noteByteCountLimit = WitnessRequest.byteCountLimit
  /// How often the newest records are looked at again, because others append to the stream.
  private static let attemptLimit = 1_000

  /// The newest checkpoint of a log.
  public struct Newest: Hashable, Sendable {
    /// Its tree.
    public let state: Witness.State
    /// Its record in the parent.
    public let offset: Offset
  }

  /// What became of a checkpoint.
  public enum Answer: Hashable, Sendable {
    /// It is a durable record of the parent now.
    case appended(Offset)
    /// The newest one of its log is of the same tree; nothing was appended.
    case known(Offset)
  }

  private let log: StreamLog
  private let keys: [KeyName: [NoteVerifierKey]]
  private let policy: WitnessPolicy?
  private let fold: Guarded<CheckpointFold>

  /// Opens a parent, and reads what it holds: one entry a log stays in memory.
  ///
  /// - Parameters:
  ///   - log: The stream, with a tree, of checkpoints alone.
  ///   - store: Its store.
  ///   - keys: Keys of logs. A key's name is its log's origin; checkpoints of its streams, with
  ///     `/streams/` and a name behind it, count too.
  ///   - policy: Whose cosignatures each checkpoint needs; keys of the logs in it count like `keys`.
  /// - Throws: ``AggregationError``: `.evidence` for a stream without a tree, `.beginningRemoved`,
  ///   `.foreignRecord`, `.brokenOrder`, `.read`.
  public init(
    _ log: StreamLog, of store: Store, keys: [NoteVerifierKey], policy: WitnessPolicy? = nil
  ) throws(AggregationError) {
    do throws(EvidenceError) { _ = try store.tree(of: log) } catch { throw .evidence(error) }
    (self.log, self.policy) = (log, policy)
    var named: [KeyName: [NoteVerifierKey]] = [:]
    for key in keys + (policy?.logs.map(\.key) ?? [])
    where named[key.name]?.contains(key) != true {
      named[key.name, default: []].append(key)
    }
    self.keys = named
    var first = CheckpointFold()
    try first.catchUp(with: log)
    fold = Guarded(first)
  }

  /// Logs whose checkpoints the parent holds.
  public var logCount: Int { fold.withLock { $0.newest.count } }

  /// The newest checkpoint of a log, as far as it was read; `nil` when there is none.
  public func newest(of origin: String) -> Newest? {
    fold.withLock { $0.newest[CheckpointFold.key(Array(origin.utf8))] }
  }

  /// Takes a checkpoint with the proof that came with it (C2SP tlog-witness, add-checkpoint).
  ///
  /// - Throws: ``AggregationError``, as ``add(_:proving:)``; `.otherSize` when the proof is from another size
  ///   than that of the newest one held.
  public func add(_ request: WitnessRequest) throws(AggregationError) -> Answer {
    try add(request.note) { (held, _) throws(AggregationError) in
      guard held == request.oldSize else {
        throw .otherSize(
          origin: try Self.checkpoint(request.note).originText, held: held, given: request.oldSize)
      }
      return request.path
    }
  }

  /// Takes a checkpoint.
  ///
  /// - Parameters:
  ///   - note: The checkpoint with its signatures; it becomes the value of a record as it is.
  ///   - prove: Called with the size that the parent holds, 0 for none, and a larger one, of the note; gives
  ///     the consistency proof, or `nil` where there is none. From nothing on none is needed.
  /// - Throws: ``AggregationError``; nothing was appended, but for `.append`, after which a reopened store tells.
  public func add(
    _ note: SignedNote,
    proving prove: (_ held: UInt64, _ size: UInt64) throws(AggregationError) -> [Digest]? = {
      (_, _) throws(AggregationError) in nil
    }
  ) throws(AggregationError) -> Answer {
    let bytes = note.encoded
    guard bytes.count <= Self.noteByteCountLimit else { throw .note(.note(.tooLarge)) }
    let checkpoint = try Self.checkpoint(note)
    try verify(note, checkpoint)
    return try fold.withLock { (fold) throws(AggregationError) in
      for _ in 0..<Self.attemptLimit {
        try fold.catchUp(with: log)
        if let known = try decide(note, checkpoint, fold, prove) { return .known(known) }
        do throws(AppendError) {
          let receipt = try log.append(copying: bytes, expecting: fold.nextOffset)
          try log.waitUntilDurable(receipt.offset)
          fold.take(checkpoint, at: receipt.offset)
          return .appended(receipt.offset)
        } catch {
          guard case .conflict = error else { throw .append(error) }
        }
      }
      throw .contended
    }
  }

  private static func checkpoint(_ note: SignedNote) throws(AggregationError) -> Checkpoint {
    do throws(NoteError) { return try Checkpoint(text: note.text) } catch { throw .note(error) }
  }

  /// The keys of an origin: those of its name, or those of the store whose stream it is.
  private func keys(of origin: [UInt8]) -> [NoteVerifierKey] {
    if let name = KeyName(utf8: origin), let found = keys[name] { return found }
    let middle = Array("/streams/".utf8)
    // Names of streams are written without slashes, so the last one counts.
    let places = origin.indices.reversed().lazy.filter { origin[$0...].starts(with: middle) }
    guard let place = places.first, place + middle.count < origin.count,
      let name = KeyName(utf8: origin[..<place])
    else { return [] }
    return keys[name] ?? []
  }

  /// Who signed, and who has seen it.
  private func verify(_ note: SignedNote, _ checkpoint: Checkpoint) throws(AggregationError) {
    let known = keys(of: checkpoint.origin)
    guard !known.isEmpty else { throw .unknownLog(origin: checkpoint.originText) }
    var seen: Set<LineName> = []
    for line in note.lines where !seen.insert(LineName(line)).inserted {
      throw .repeatedLine(name: line.name)
    }
    let hasQuorum: Bool
    do throws(NoteError) {
      _ = try Checkpoint.verified(note, origin: checkpoint.originText, keys: known)
      hasQuorum = try policy?.isSatisfied(by: note) ?? true
    } catch {
      throw .note(error)
    }
    guard hasQuorum else { throw .quorum(origin: checkpoint.originText) }
  }

  private struct LineName: Hashable {
    let name: KeyName
    let keyID: UInt32

    init(_ line: SignedNote.Line) { (name, keyID) = (line.name, line.keyID) }
  }

  /// Decides as a witness does, and says which case it is.
  ///
  /// - Returns: Where the same tree stands already; `nil` for a checkpoint that is to be appended.
  private func decide(
    _ note: SignedNote, _ checkpoint: Checkpoint, _ fold: CheckpointFold,
    _ prove: (UInt64, UInt64) throws(AggregationError) -> [Digest]?
  ) throws(AggregationError) -> Offset? {
    let origin = checkpoint.originText
    let held = fold.newest[CheckpointFold.key(checkpoint.origin)]
    let state = held?.state ?? .nothing
    var path: [Digest] = []
    if let held {
      guard checkpoint.size >= state.size else {
        throw .rollback(origin: origin, held: held, given: checkpoint.size)
      }
      if checkpoint.size == state.size {
        guard checkpoint.root == state.root else {
          throw .fork(origin: origin, held: held, root: checkpoint.root)
        }
        return held.offset
      }
    }
    if let given = try prove(state.size, checkpoint.size) {
      path = given
    } else if let held, state.size > 0 {
      throw .unproven(origin: origin, held: held, given: checkpoint.size)
    }
    let witness = Witness(logs: [Witness.Log(origin: origin, keys: keys(of: checkpoint.origin))])
    let request = WitnessRequest(oldSize: state.size, path: path, note: note)
    do throws(Witness.Refusal) { _ = try witness.judge(request, after: state) } catch {
      throw .inconsistent(origin: origin, held: held, given: checkpoint.size)
    }
    return nil
  }
}

internal import Cryptography
public import Integrity
internal import LogFormat
public import PlatformIO

/// A record of a store, proven from the store's files alone: its leaf and the hashes of its tree are made again
/// from the records, without the engine and without what it keeps.
///
/// Nothing is locked or written. What it takes of memory does not depend on the size of the store.
public struct StoredRecord: Sendable {
  private let streamName: String
  private let offset: UInt64
  private let folder: AuditedFolder
  private let map: StoreMap
  private let workerCount: Int

  /// A record of a store.
  ///
  /// - Parameters:
  ///   - offset: Its offset.
  ///   - streamName: Its stream.
  ///   - path: The folder of the store.
  ///   - fileSystem: Where that is.
  ///   - workerCount: Threads; 0 for one a processor.
  /// - Throws: ``RecordProofError``: `.audit`, `.withoutTree`.
  public init(
    at offset: UInt64, ofStream streamName: String, in path: String, fileSystem: any FileSystem,
    workerCount: Int = 0
  ) throws(RecordProofError) {
    (self.offset, self.streamName) = (offset, streamName)
    self.workerCount = min(workerCount > 0 ? workerCount : AuditWorkers.count, AuditWorkers.limit)
    do throws(FileSystemError) {
      folder = try AuditedFolder(path, fileSystem)
      var search = BitSearch()
      let root = try StoreRoot.read(folder, &search)
      guard root.isKnown else { throw FileSystemError(.open, path, .notFound) }
      map = root.map
    } catch {
      throw .audit(error.isAboutTheFile ? .notAStore(path: path) : .fileSystem(error))
    }
    _ = try stream(streamName)
  }

  private func stream(_ name: String) throws(RecordProofError) -> StoreMap.Stream {
    guard
      let stream = map.sorted.first(where: { $0.name.utf8.elementsEqual(name.utf8) }),
      EvidenceCoverage(rawValue: stream.definition.evidence.rawValue) == .tree
    else { throw .withoutTree(stream: name) }
    return stream
  }

  /// Proves the record.
  ///
  /// - Parameter note: A checkpoint of the store or of the stream, signed; its signatures are not looked at.
  /// - Returns: The file. Its `extra` bytes are a `RecordProof`, but for a record that is gone and of which its
  ///   stream keeps the hash alone.
  /// - Throws: ``RecordProofError``.
  public func proof(under note: SignedNote) throws(RecordProofError) -> ProofFile {
    let checkpoint: Integrity.Checkpoint
    do throws(NoteError) { checkpoint = try Integrity.Checkpoint(text: note.text) } catch {
      throw .checkpoint(error)
    }
    let suffix = Array(Integrity.Checkpoint.origin(of: streamName, in: "").utf8)
    // An origin that ends like this is that of the stream; nothing else may be taken for it, as the root decides.
    let isOfStream = checkpoint.origin.suffix(suffix.count).elementsEqual(suffix)
    let statements = try statements(
      below: isOfStream ? .max : checkpoint.size)
    guard isOfStream else { return try proof(under: note, checkpoint, statements) }
    guard offset < checkpoint.size else {
      throw .notCovered(offset: offset, size: checkpoint.size, stream: streamName)
    }
    let inner = try tree(
      streamName, index: offset, size: checkpoint.size, root: checkpoint.root, statements)
    let extra = inner.data.map { RecordProof(leaf: $0).encoded }
    return ProofFile(index: offset, path: inner.path, note: note, extra: extra)
  }

  /// By way of a statement of the store.
  private func proof(
    under note: SignedNote, _ checkpoint: Integrity.Checkpoint, _ statements: StatementScan
  ) throws(RecordProofError) -> ProofFile {
    guard let stated = statements.heads, case .heads(let heads) = stated.statement.content else {
      throw .notCovered(offset: offset, size: checkpoint.size, stream: Statement.streamName)
    }
    let inner = try tree(
      streamName, index: offset, size: heads.nextOffset, root: heads.root, statements)
    guard let data = inner.data else { throw .contentRemoved(offset: offset) }
    let outer = try tree(
      Statement.streamName, index: stated.offset, size: checkpoint.size, root: checkpoint.root,
      StatementScan(of: nil, covering: 0, below: 0))
    guard let statementLeaf = outer.data else { throw .contentRemoved(offset: stated.offset) }
    let extra = RecordProof(
      leaf: data,
      inner: .init(path: inner.path, statementLeaf: statementLeaf, statement: stated.statement))
    return ProofFile(index: stated.offset, path: outer.path, note: note, extra: extra.encoded)
  }

  // MARK: Walks

  /// What the store states of the stream.
  private func statements(below limit: UInt64) throws(RecordProofError) -> StatementScan {
    let subject = try stream(streamName)
    let scan = StatementScan(of: subject.id, covering: offset, below: limit)
    guard let evidence = map.sorted.first(where: { $0.name == Statement.streamName }) else {
      return scan
    }
    var task = ChunkWalk.Task()
    task.wantsValues = true
    return walk(evidence, from: 0, task, scan)
  }

  /// Makes the path of a leaf, and compares the root that it leads to.
  private func tree(
    _ name: String, index: UInt64, size: UInt64, root: Digest, _ statements: StatementScan
  ) throws(RecordProofError) -> (path: [Digest], data: RecordLeaf?) {
    let stream = try stream(name)
    var pathWalk = PathWalk(
      PathCollector(index: index, size: size), redacted: statements.redacted,
      successor: { [folder] in SegmentPlanner(stream, folder).successor(of: $0) })
    for removal in statements.removals { pathWalk.collector.take(removal) }
    var task = ChunkWalk.Task()
    task.leavesFrom = pathWalk.collector.next
    task.makesBlocks = true
    task.leafOffset = index
    // A crash may have left a removal that is stated and not done.
    let isThere = stream.segments.first.map { $0.baseOffset <= index } ?? false
    pathWalk.isSeeking = isThere
    if pathWalk.isSeeking || !pathWalk.collector.isDone {
      let first = isThere ? min(index, pathWalk.collector.next) : pathWalk.collector.next
      pathWalk = walk(stream, from: first, task, pathWalk)
    }
    let collector = pathWalk.collector
    if let range = collector.unknown.first {
      let removed = statements.removals.last?.nextOffset ?? 0
      throw range.lowerBound < removed
        ? .hashesRemoved(stream: name, offsets: range) : .missing(stream: name, offsets: range)
    }
    guard let (leaf, proof) = collector.proof else {
      throw .truncated(stream: name, nextOffset: collector.next, size: size)
    }
    let data = pathWalk.data(at: index)
    do throws(ProofError) {
      try proof.verify(leaf: data.map { MerkleTree.leafHash($0.encoded) } ?? leaf, root: root)
    } catch {
      throw .contradiction(stream: name, size: size)
    }
    return (proof.path, data)
  }

  private func walk<Stage: ChunkStage>(
    _ stream: StoreMap.Stream, from offset: UInt64, _ task: ChunkWalk.Task, _ stage: Stage
  ) -> Stage {
    var search = BitSearch()
    var planner = SegmentPlanner(stream, folder)
    var plan = planner.plan(&search)
    if let index = plan.lastIndex(where: { $0.baseOffset <= offset }) {
      plan = Array(plan[index...])
    }
    guard !plan.isEmpty else { return stage }
    let source = ChunkSource(
      plan, task: task, chunkByteCount: 2 << 20,
      { [folder] (name) throws(FileSystemError) in try folder.open(name) })
    return AuditPipeline.run(source, stage, workerCount: workerCount)
  }
}

/// Why a record cannot be proven from a store's files.
public enum RecordProofError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The store cannot be read.
  case audit(AuditError)
  /// The checkpoint is none.
  case checkpoint(NoteError)
  /// There is no such stream, or it has no tree.
  case withoutTree(stream: String)
  /// The checkpoint is of a smaller tree: that of the stream, or that of the statements.
  case notCovered(offset: UInt64, size: UInt64, stream: String)
  /// Records are gone, and no statement keeps the hashes that the proof needs.
  case hashesRemoved(stream: String, offsets: Range<UInt64>)
  /// The record is gone, and its hash is all that a statement keeps of it.
  case contentRemoved(offset: UInt64)
  /// Records are damaged or not there, and nothing says why.
  case missing(stream: String, offsets: Range<UInt64>)
  /// The stream ends before what the checkpoint is of.
  case truncated(stream: String, nextOffset: UInt64, size: UInt64)
  /// The records do not lead to the root.
  case contradiction(stream: String, size: UInt64)

  /// Whether the store contradicts the checkpoint.
  public var isContradiction: Bool {
    switch self {
    case .truncated, .contradiction, .missing: true
    default: false
    }
  }

  /// Whether what is left of the store does not do for a proof.
  public var isAboutRemoval: Bool {
    switch self {
    case .hashesRemoved, .contentRemoved: true
    default: false
    }
  }

  public var description: String {
    switch self {
    case .audit(let error): return "\(error)"
    case .checkpoint(let error): return "it is no checkpoint: \(error)"
    case .withoutTree(let stream):
      return
        "there is no stream '\(escapedForTerminal(stream))' with a tree; nothing in it can be proven"
    case .notCovered(let offset, let size, Statement.streamName):
      return
        "the checkpoint is of \(size) statements of the store, and none of them covers offset \(offset); "
        + "give a later one"
    case .notCovered(let offset, let size, let stream):
      return
        "the checkpoint is of \(size) records of '\(escapedForTerminal(stream))', and does not cover "
        + "offset \(offset); give a later one"
    case .hashesRemoved(let stream, let range):
      return
        "offsets \(range.lowerBound) to \(range.upperBound - 1) of '\(escapedForTerminal(stream))' were "
        + "removed, and the hashes that this proof needs were not kept"
    case .contentRemoved(let offset):
      return
        "record \(offset) was removed, and its hash alone was kept, which a checkpoint of the store cannot "
        + "be led from; give a checkpoint of the stream"
    case .missing(let stream, let range):
      return
        "offsets \(range.lowerBound) to \(range.upperBound - 1) of '\(escapedForTerminal(stream))' are "
        + "damaged or missing; 'piperoll-audit verify' names the cause"
    case .truncated(let stream, let next, let size):
      return
        "stream '\(escapedForTerminal(stream))' ends at offset \(next), before the \(size) records that "
        + "were signed or stated"
    case .contradiction(let stream, let size):
      return
        "the first \(size) records of '\(escapedForTerminal(stream))' are not those that were signed or "
        + "stated; 'piperoll-audit verify' names the cause"
    }
  }
}

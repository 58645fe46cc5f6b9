internal import ByteCoding
public import Integrity
internal import LogFormat
internal import PlatformIO
public import Quantities

/// Where trees of streams are had from: a store that is open for writing, or one that is only read.
public protocol StoreTrees: Sendable {
  /// Looks for the last record of a stream and the last statement. Otherwise a reader that knows of no writer
  /// may miss those of the last 10 ms.
  ///
  /// - Throws: ``EvidenceError``.
  func refresh(_ name: StreamName) throws(EvidenceError)

  /// The tree of a stream, with what statements keep of what is gone. What is taken out later contradicts it:
  /// ask again then, after ``refresh(_:)``.
  ///
  /// - Throws: ``EvidenceError``: `.withoutTree`, `.open` when there is no such stream.
  func tree(ofStream name: StreamName) throws(EvidenceError) -> StreamTree

  /// The first statement of a stream's heads that covers an offset.
  ///
  /// - Parameters:
  ///   - name: The stream.
  ///   - offset: The offset.
  ///   - size: Statements from this offset of the evidence stream on do not count.
  /// - Returns: The statement and its offset in the evidence stream; `nil` when there is none.
  /// - Throws: ``EvidenceError``.
  func statedHeads(ofStream name: StreamName, covering offset: Offset, below size: UInt64)
    throws(EvidenceError) -> (statement: Statement, offset: Offset)?
}

extension StoreTrees {
  /// The tree of the store's statements.
  ///
  /// - Throws: ``EvidenceError``: `.open` when nothing was stated yet.
  public func treeOfStatements() throws(EvidenceError) -> StreamTree {
    let name: StreamName
    do throws(OpenError) { name = try StreamName(Statement.streamName) } catch {
      throw .open(error)
    }
    return try tree(ofStream: name)
  }
}

extension Store: StoreTrees {
  /// Nothing: the store makes all records and statements itself.
  public func refresh(_ name: StreamName) {}

  public func tree(ofStream name: StreamName) throws(EvidenceError) -> StreamTree {
    try tree(of: opened(name))
  }

  public func statedHeads(ofStream name: StreamName, covering offset: Offset, below size: UInt64)
    throws(EvidenceError) -> (statement: Statement, offset: Offset)?
  {
    let log = try opened(name)
    return try core.statements.heads(
      of: log.definition.streamID, covering: offset, below: size)
  }

  private func opened(_ name: StreamName) throws(EvidenceError) -> StreamLog {
    do throws(OpenError) { return try anyStream(name) } catch { throw .open(error) }
  }
}

extension StoreReader: StoreTrees {
  public func tree(ofStream name: StreamName) throws(EvidenceError) -> StreamTree {
    let source = try evidenced(name)
    let manifest = self.manifest
    guard manifest.streams[source.streamID]?.definition.evidence == .tree else {
      throw .withoutTree(stream: name.text)
    }
    guard let statements = try statements() else {
      return StreamTree(source, StreamTree.Memory())
    }
    return try statementIndex.withLock { index throws(EvidenceError) in
      try index.tree(of: source, evidence: statements)
    }
  }

  public func statedHeads(ofStream name: StreamName, covering offset: Offset, below size: UInt64)
    throws(EvidenceError) -> (statement: Statement, offset: Offset)?
  {
    let source = try evidenced(name)
    guard let statements = try statements(),
      let place = statementIndex.withLock({
        $0.streams[source.streamID]?.heads(covering: offset.rawValue)
      }), place.rawValue < size
    else { return nil }
    return try StatementIndex.statement(in: statements, at: place).map { ($0, place) }
  }

  private func evidenced(_ name: StreamName) throws(EvidenceError) -> RemoteStream {
    do throws(ReadError) { return try source(named: name) } catch {
      if case .open(let error) = error { throw .open(error) }
      throw .read(error)
    }
  }

  /// What is stated of records of a stream that were taken out.
  func redactions(ofStream streamID: UInt64) throws(EvidenceError) -> [RecordRedaction] {
    do throws(ReadError) { try streamOfStatements()?.look() } catch { throw .read(error) }
    guard let evidence = try statements(), evidence.streamID != streamID else { return [] }
    return try statementIndex.withLock { index throws(EvidenceError) in
      try index.redactions(of: streamID, evidence: evidence)
    }
  }

  public func refresh(_ name: StreamName) throws(EvidenceError) {
    let sources = [try evidenced(name), streamOfStatements()]
    do throws(ReadError) { for source in sources { try source?.look() } } catch {
      throw .read(error)
    }
  }

  /// The stream of statements, all of them indexed that it shows; `nil` where nothing was stated yet.
  private func statements() throws(EvidenceError) -> RemoteStream? {
    guard let source = streamOfStatements() else { return nil }
    let readOffset = statementIndex.withLock { $0.nextOffset }
    if readOffset.rawValue < source.visible {
      do throws(ReadError) { try source.refresh() } catch { throw .read(error) }
      try statementIndex.withLock { index throws(EvidenceError) in try index.read(source) }
    }
    return source
  }

  private func streamOfStatements() -> RemoteStream? {
    guard let name = try? StreamName(Statement.streamName) else { return nil }
    return try? source(named: name)
  }
}

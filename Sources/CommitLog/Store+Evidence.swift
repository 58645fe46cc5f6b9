internal import ByteCoding
internal import Cryptography
package import Integrity
internal import LogFormat
internal import PlatformIO
package import Quantities

extension Store {
  /// States both heads of each stream that has come further since they were stated last, and covers the
  /// statements themselves.
  ///
  /// What it returns is what a checkpoint of the store is made from: everything up to it is durable, so no
  /// crash makes the log contradict a signature over it.
  ///
  /// - Returns: The heads of the evidence stream, whose tree is the store's; `nil` when no stream of the
  ///   store has evidence and records.
  /// - Throws: ``EvidenceError``.
  public func stateHeads() throws(EvidenceError) -> EvidenceHead? {
    var contents: [(streamID: UInt64, content: Statement.Content)] = []
    for stream in core.manifest.state.evidencedStreams
    where stream.definition.name != Statement.streamName {
      let log: StreamLog
      do throws(OpenError) { log = try anyStream(StreamName(stream.definition.name)) } catch {
        throw .open(error)
      }
      let head: EvidenceHead?
      do throws(AppendError) { head = try log.durableEvidence() } catch { throw .append(error) }
      guard let head else { continue }
      let stated = try core.statements.stream(stream.definition.streamID).statedOffsets.last ?? 0
      guard stated < head.nextOffset.rawValue else { continue }
      contents.append((stream.definition.streamID, .heads(StreamHeads(head, log))))
    }
    try core.statements.append(contents)
    guard let evidence = try core.statements.log(creating: false) else { return nil }
    do throws(AppendError) { return try evidence.durableEvidence() } catch { throw .append(error) }
  }

  /// The tree of a stream, to make proofs from.
  ///
  /// - Throws: ``EvidenceError``: `.withoutTree` for a stream without one.
  public func tree(of log: StreamLog) throws(EvidenceError) -> StreamTree {
    try core.statements.tree(of: log)
  }

  /// The stream of the store's statements; `nil` while there is none.
  package func evidenceStream() throws(EvidenceError) -> StreamLog? {
    try core.statements.log(creating: false)
  }

  /// States that a subject's key was destroyed, unless that is stated already.
  ///
  /// - Parameter erasure: What is said; its time is set here.
  /// - Returns: Where it stands in the evidence stream.
  package func stateErasure(_ erasure: SubjectErasure) throws(EvidenceError) -> Offset {
    if let known = try core.statements.erasure(of: erasure.subjectCode) { return known }
    var erasure = erasure
    erasure.time = core.time.now().rawValue
    return try core.statements.append([(0, .erasure(erasure))]) ?? .zero
  }

  /// States something about the store, or one of its streams, durably.
  ///
  /// - Returns: Where it stands in the evidence stream.
  /// - Throws: ``EvidenceError``.
  package func state(_ content: Statement.Content, streamID: UInt64) throws(EvidenceError)
    -> Offset?
  {
    try core.statements.append([(streamID, content)])
  }
}

extension Store {
  /// The stream of statements.
  func evidenceLog(creating: Bool) throws(OpenError) -> StreamLog? {
    try refuseWhenClosed()
    if let log = knownEvidence.withLock({ $0.log }) { return log }
    let found = try findEvidenceLog(creating: creating)
    knownEvidence.withLock { $0.log = found }
    return found
  }

  private func findEvidenceLog(creating: Bool) throws(OpenError) -> StreamLog? {
    let name = try StreamName(Statement.streamName)
    let isThere = core.manifest.state.streamID(named: name.text) != nil
    guard isThere || creating else { return nil }
    if !isThere {
      var options = StreamOptions()
      options.evidence = .tree
      return try createAnyStream(name, options: options)
    }
    let log = try anyStream(name)
    guard log.definition.evidence == .tree, log.definition.durability == .disk else {
      throw .settingsDiffer(
        stream: name.text, setting: "evidence and durability",
        existing: "\(log.definition.evidence), \(log.definition.durability)",
        requested: "tree, disk")
    }
    return log
  }
}

extension StreamLog {
  /// Makes everything appended so far durable and covers it, durably: what a checkpoint of this stream
  /// alone is made from.
  ///
  /// - Returns: Chain and tree; `nil` when nothing was appended yet.
  /// - Throws: ``EvidenceError``: `.withoutTree`, `.append`.
  public func proveAll() throws(EvidenceError) -> EvidenceHead? {
    guard definition.evidence == .tree else { throw .withoutTree(stream: definition.name) }
    do throws(AppendError) { return try durableEvidence() } catch { throw .append(error) }
  }
}

extension StreamHeads {
  init(_ head: EvidenceHead, _ log: StreamLog) {
    let isTree = log.definition.evidence == .tree
    self.init(
      groupCount: head.groupCount, nextOffset: head.nextOffset.rawValue,
      coverage: isTree ? .tree : .chain, head: Digest(head.head) ?? Digest(),
      root: Digest(head.root) ?? Digest(), name: log.definition.name)
  }
}

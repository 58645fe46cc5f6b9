internal import LogFormat
internal import Quantities

/// What the manifest says, as a fold over its edits: which streams and segments count.
///
/// `apply` is the only way the state changes, in normal operation and when the manifest is read back.
struct ManifestState: Equatable {
  var nextSegmentID: UInt64 = 1
  var nextStreamID: UInt64 = 1
  var streams: [UInt64: Stream] = [:]
  /// Streams by name. Two texts that look alike are one to `String`, but not here.
  private(set) var streamIDs: [NameBytes: UInt64] = [:]
  /// Files that may exist without counting: stream of the intent, by segment id.
  var intents: [UInt64: UInt64] = [:]
  /// What keeps records from going, by name.
  private(set) var holds: [NameBytes: ManifestEdit.Hold] = [:]

  struct Stream: Equatable {
    var definition: ManifestEdit.StreamDefinition
    var logStart = Offset.zero
    /// Ascending by base offset; the last without an end takes the appends.
    var segments: [Segment] = []
    /// Ready to follow.
    var prepared: [ManifestEdit.SegmentDefinition] = []
    /// How much is kept; all where there is none.
    var retention: ManifestEdit.Retention?
  }

  struct Segment: Equatable {
    var definition: ManifestEdit.SegmentDefinition
    var activation: ManifestEdit.SegmentActivation
    var end: ManifestEdit.SegmentEnd?
    /// What is known to be durable; `nil` once there is an end, which says more.
    var durable: ManifestEdit.DurablePrefix?
    var damaged: [ManifestEdit.DamagedRange] = []
    /// When its records count as appended for retention, where they say a time that had not come.
    var datedTime: Timestamp?
    /// How far the manifest knows the segment to go.
    var lastKnown: (position: FilePosition, nextOffset: Offset)? {
      end.map { ($0.endPosition, $0.nextOffset) } ?? durable.map { ($0.position, $0.nextOffset) }
    }
    var id: UInt64 { definition.segmentID }
    var baseOffset: Offset { activation.baseOffset }
  }

  /// The name of a stream, equal to another when their bytes are.
  struct NameBytes: Hashable {
    let text: String

    static func == (left: Self, right: Self) -> Bool {
      left.text.utf8.elementsEqual(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
      for byte in text.utf8 { hasher.combine(byte) }
    }
  }

  /// The stream of a name.
  func streamID(named name: String) -> UInt64? { streamIDs[NameBytes(text: name)] }

  /// All names, sorted by bytes.
  var streamNames: [String] {
    streamIDs.keys.map(\.text).sorted {
      Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8))
    }
  }

  /// Streams with chain and tree, in the order in which they were made.
  var evidencedStreams: [Stream] {
    streams.values.filter { $0.definition.evidence != .none }
      .sorted { $0.definition.streamID < $1.definition.streamID }
  }

  /// Ids are counted from 1; none of a real store comes near this, so that counting on cannot overflow.
  private static let idLimit: UInt64 = 1 << 62

  /// An edit that contradicts the state: the manifest is damaged.
  struct Contradiction: Error {
    let edit: ManifestEdit
    /// The segment that claims the offsets already, where that is the contradiction.
    var otherSegmentID: UInt64?
  }

  mutating func apply(_ edit: ManifestEdit) throws(Contradiction) {
    switch edit {
    case .snapshotBegin(let counters):
      guard max(counters.nextSegmentID, counters.nextStreamID) <= Self.idLimit else {
        throw Contradiction(edit: edit)
      }
      self = ManifestState()
      nextSegmentID = counters.nextSegmentID
      nextStreamID = counters.nextStreamID
    case .snapshotEnd: break
    case .createStream(let definition):
      guard streams[definition.streamID] == nil, streamID(named: definition.name) == nil,
        definition.streamID != 0, definition.streamID < Self.idLimit
      else { throw Contradiction(edit: edit) }
      streams[definition.streamID] = Stream(definition: definition)
      streamIDs[NameBytes(text: definition.name)] = definition.streamID
      nextStreamID = max(nextStreamID, definition.streamID + 1)
    case .segmentIntent(let streamID, let segmentID):
      guard segmentID < Self.idLimit else { throw Contradiction(edit: edit) }
      intents[segmentID] = streamID
      nextSegmentID = max(nextSegmentID, segmentID + 1)
    case .segmentPrepared(let definition):
      guard definition.segmentID < Self.idLimit else { throw Contradiction(edit: edit) }
      intents[definition.segmentID] = nil
      nextSegmentID = max(nextSegmentID, definition.segmentID &+ 1)
      try self.edit(definition.streamID, edit) { $0.prepared.append(definition) }
    case .segmentActivated(let activation): try activate(activation, edit)
    case .segmentEnded(let end):
      try editSegment(end.streamID, end.segmentID, edit) { segment in
        segment.end = end
        segment.durable = nil
      }
    case .segmentDropped(let streamID, let segmentID):
      intents[segmentID] = nil
      try self.edit(streamID, edit) { stream in
        stream.segments.removeAll { $0.id == segmentID }
        stream.prepared.removeAll { $0.segmentID == segmentID }
      }
    case .logStart(let streamID, let offset):
      try self.edit(streamID, edit) { $0.logStart = max($0.logStart, offset) }
    case .segmentDamaged(let range):
      try editSegment(range.streamID, range.segmentID, edit) { segment in
        if !segment.damaged.contains(range) { segment.damaged.append(range) }
      }
    case .segmentDurable(let prefix):
      try editSegment(prefix.streamID, prefix.segmentID, edit) { segment in
        guard segment.end == nil, segment.durable.map({ $0.position < prefix.position }) ?? true
        else { return }
        segment.durable = prefix
      }
    case .segmentReplaced(let change): try replace(change, edit)
    case .retention, .hold, .holdReleased, .segmentDated: try keep(edit)
    }
  }

  /// Takes an edit that says what is kept.
  private mutating func keep(_ edit: ManifestEdit) throws(Contradiction) {
    switch edit {
    case .retention(let retention):
      try self.edit(retention.streamID, edit) { $0.retention = retention }
    case .hold(let hold):
      guard hold.streamID == 0 || streams[hold.streamID] != nil else {
        throw Contradiction(edit: edit)
      }
      holds[NameBytes(text: hold.name)] = hold
    case .holdReleased(let name): holds[NameBytes(text: name)] = nil
    case .segmentDated(let streamID, let segmentID, let time):
      try editSegment(streamID, segmentID, edit) { $0.datedTime = time }
    default: break
    }
  }

  /// What keeps records of a stream from going, by name.
  func holds(ofStream streamID: UInt64) -> [ManifestEdit.Hold] {
    sortedHolds.filter { $0.streamID == 0 || $0.streamID == streamID }
  }

  /// All that keeps records from going, by name.
  var sortedHolds: [ManifestEdit.Hold] {
    holds.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  private mutating func replace(
    _ change: ManifestEdit.SegmentReplacement, _ edit: ManifestEdit
  ) throws(Contradiction) {
    let new = change.definition
    guard new.segmentID < Self.idLimit, let place = streams.index(forKey: new.streamID),
      let index = streams.values[place].segments.lastIndex(where: { $0.id == change.segmentID }),
      let end = streams.values[place].segments[index].end
    else { throw Contradiction(edit: edit) }
    intents[new.segmentID] = nil
    nextSegmentID = max(nextSegmentID, new.segmentID + 1)
    var activation = streams.values[place].segments[index].activation
    activation.segmentID = new.segmentID
    let old = streams.values[place].segments[index]
    streams.values[place].segments[index] = Segment(
      definition: new, activation: activation, end: change.end(from: end),
      datedTime: old.datedTime)
  }

  private mutating func edit(
    _ streamID: UInt64, _ edit: ManifestEdit, _ body: (inout Stream) -> Void
  ) throws(Contradiction) {
    guard let place = streams.index(forKey: streamID) else { throw Contradiction(edit: edit) }
    body(&streams.values[place])
  }

  private mutating func editSegment(
    _ streamID: UInt64, _ segmentID: UInt64, _ edit: ManifestEdit, _ body: (inout Segment) -> Void
  ) throws(Contradiction) {
    guard let place = streams.index(forKey: streamID),
      let index = streams.values[place].segments.lastIndex(where: { $0.id == segmentID })
    else { throw Contradiction(edit: edit) }
    body(&streams.values[place].segments[index])
  }

  private mutating func activate(
    _ activation: ManifestEdit.SegmentActivation, _ edit: ManifestEdit
  ) throws(Contradiction) {
    guard let place = streams.index(forKey: activation.streamID),
      let index = streams.values[place].prepared.firstIndex(where: {
        $0.segmentID == activation.segmentID
      })
    else { throw Contradiction(edit: edit) }
    if let last = streams.values[place].segments.last {
      guard last.baseOffset <= activation.baseOffset,
        last.end.map({ $0.nextOffset <= activation.baseOffset }) ?? true
      else { throw Contradiction(edit: edit, otherSegmentID: last.id) }
    }
    let definition = streams.values[place].prepared.remove(at: index)
    streams.values[place].segments.append(
      Segment(definition: definition, activation: activation))
  }

  /// Whether a file of this header belongs to a segment that counts, other than the given one.
  func isLive(_ header: SegmentHeader, besides segmentID: UInt64) -> Bool {
    guard header.segmentID != segmentID, let stream = streams[header.streamID] else { return false }
    return stream.segments.contains {
      $0.id == header.segmentID && $0.definition.salt == header.salt
    }
  }

  /// The edits that rebuild this state, snapshot marks included.
  func snapshot() -> [ManifestEdit] {
    var edits: [ManifestEdit] = [
      .snapshotBegin(
        ManifestEdit.SnapshotBegin(nextSegmentID: nextSegmentID, nextStreamID: nextStreamID))
    ]
    for (_, stream) in streams.sorted(by: { $0.key < $1.key }) {
      edits.append(.createStream(stream.definition))
      if let retention = stream.retention { edits.append(.retention(retention)) }
      for segment in stream.segments {
        edits.append(.segmentPrepared(segment.definition))
        edits.append(.segmentActivated(segment.activation))
        if let end = segment.end { edits.append(.segmentEnded(end)) }
        if let durable = segment.durable { edits.append(.segmentDurable(durable)) }
        edits += segment.damaged.map { .segmentDamaged($0) }
        if let time = segment.datedTime {
          edits.append(
            .segmentDated(
              streamID: stream.definition.streamID, segmentID: segment.id, time: time))
        }
      }
      edits += stream.prepared.map { .segmentPrepared($0) }
      if stream.logStart > .zero {
        edits.append(.logStart(streamID: stream.definition.streamID, offset: stream.logStart))
      }
    }
    for (segmentID, streamID) in intents.sorted(by: { $0.key < $1.key }) {
      edits.append(.segmentIntent(streamID: streamID, segmentID: segmentID))
    }
    edits += sortedHolds.map { .hold($0) }
    edits.append(.snapshotEnd)
    return edits
  }
}

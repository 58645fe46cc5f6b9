internal import LogFormat
internal import Quantities

/// What a store's manifest says: which streams there are, and which segments they consist of.
struct StoreMap: Sendable {
  /// Streams by number.
  private(set) var streams: [UInt64: Stream] = [:]
  /// Whether a whole snapshot was read.
  private(set) var isWhole = false

  struct Stream: Sendable, Equatable {
    var definition: ManifestEdit.StreamDefinition
    var logStart: UInt64 = 0
    /// In the order of their offsets.
    var segments: [Segment] = []
    /// Ready to follow; a killed writer may have gone on to them.
    var prepared: [ManifestEdit.SegmentDefinition] = []

    var id: UInt64 { definition.streamID }
    var name: String { definition.name }
  }

  struct Segment: Sendable, Equatable {
    var definition: ManifestEdit.SegmentDefinition
    var activation: ManifestEdit.SegmentActivation
    var end: ManifestEdit.SegmentEnd?
    var durable: ManifestEdit.DurablePrefix?

    var id: UInt64 { definition.segmentID }
    var salt: UInt64 { definition.salt }
    var baseOffset: UInt64 { activation.baseOffset.rawValue }
    var fileName: String {
      AuditedFolder.segmentName(streamID: definition.streamID, segmentID: id)
    }
  }

  /// An edit that contradicts those before it.
  struct Contradiction: Error {
    let edit: ManifestEdit
  }

  /// Streams by their numbers.
  var sorted: [Stream] { streams.values.sorted { $0.id < $1.id } }

  mutating func apply(_ edit: ManifestEdit) throws(Contradiction) {
    switch edit {
    case .snapshotBegin: self = StoreMap()
    case .snapshotEnd: isWhole = true
    case .createStream(let definition):
      guard streams[definition.streamID] == nil, definition.streamID != 0 else {
        throw Contradiction(edit: edit)
      }
      streams[definition.streamID] = Stream(definition: definition)
    case .segmentIntent: break
    case .segmentPrepared(let definition):
      try change(definition.streamID, edit) { $0.prepared.append(definition) }
    case .segmentActivated(let activation):
      try change(activation.streamID, edit) { stream throws(Contradiction) in
        guard
          let index = stream.prepared.firstIndex(where: { $0.segmentID == activation.segmentID }),
          stream.segments.last.map({ $0.baseOffset <= activation.baseOffset.rawValue }) ?? true
        else { throw Contradiction(edit: edit) }
        stream.segments.append(
          Segment(definition: stream.prepared.remove(at: index), activation: activation))
      }
    case .segmentEnded(let end):
      try change(end.streamID, end.segmentID, edit) { $0.end = end }
    case .segmentDropped(let streamID, let segmentID):
      try change(streamID, edit) { stream in
        stream.segments.removeAll { $0.id == segmentID }
        stream.prepared.removeAll { $0.segmentID == segmentID }
      }
    case .logStart(let streamID, let offset):
      try change(streamID, edit) { $0.logStart = max($0.logStart, offset.rawValue) }
    // They decide what may go; what went is stated.
    case .segmentDamaged, .retention, .hold, .holdReleased, .segmentDated: break
    case .segmentDurable(let prefix):
      try change(prefix.streamID, prefix.segmentID, edit) { segment in
        guard segment.durable.map({ $0.position < prefix.position }) ?? true else { return }
        segment.durable = prefix
      }
    case .segmentReplaced(let change):
      let new = change.definition
      try self.change(new.streamID, edit) { stream throws(Contradiction) in
        guard let index = stream.segments.lastIndex(where: { $0.id == change.segmentID }),
          let end = stream.segments[index].end
        else { throw Contradiction(edit: edit) }
        var activation = stream.segments[index].activation
        activation.segmentID = new.segmentID
        stream.segments[index] = Segment(
          definition: new, activation: activation, end: change.end(from: end))
      }
    }
  }

  private mutating func change(
    _ streamID: UInt64, _ edit: ManifestEdit,
    _ body: (inout Stream) throws(Contradiction) -> Void
  ) throws(Contradiction) {
    guard let place = streams.index(forKey: streamID) else { throw Contradiction(edit: edit) }
    try body(&streams.values[place])
  }

  private mutating func change(
    _ streamID: UInt64, _ segmentID: UInt64, _ edit: ManifestEdit, _ body: (inout Segment) -> Void
  ) throws(Contradiction) {
    try change(streamID, edit) { stream throws(Contradiction) in
      guard let index = stream.segments.lastIndex(where: { $0.id == segmentID }) else {
        throw Contradiction(edit: edit)
      }
      body(&stream.segments[index])
    }
  }
}

import LogFormat
import Quantities
import Testing

@testable import CommitLog

@Suite struct ManifestStateTests {
  /// A manifest with one stream and two segments made ready.
  private func state() throws -> ManifestState {
    var state = ManifestState()
    try state.apply(.createStream(StreamOptions().definition(id: 1, name: "s")))
    for id: UInt64 in [5, 6] {
      try state.apply(
        .segmentPrepared(
          ManifestEdit.SegmentDefinition(streamID: 1, segmentID: id, capacity: 65_536, salt: id)))
    }
    return state
  }

  private func activation(_ id: UInt64, at offset: UInt64) -> ManifestEdit {
    .segmentActivated(
      ManifestEdit.SegmentActivation(
        streamID: 1, segmentID: id, baseOffset: Offset(rawValue: offset),
        baseAppendTime: Timestamp(rawValue: 0), previousSegmentID: 0))
  }

  @Test func `two segments that claim the same offsets contradict each other, and both are named`()
    throws
  {
    var state = try state()
    try state.apply(activation(5, at: 100))
    do throws(ManifestState.Contradiction) {
      try state.apply(activation(6, at: 99))
      Issue.record("a lower base offset was accepted")
    } catch {
      #expect(error.otherSegmentID == 5)
    }
  }

  @Test func `a segment that begins before the end of the last one contradicts it`() throws {
    var state = try state()
    try state.apply(activation(5, at: 0))
    try state.apply(
      .segmentEnded(
        ManifestEdit.SegmentEnd(
          streamID: 1, segmentID: 5, endPosition: FilePosition(rawValue: 20_000),
          nextOffset: Offset(rawValue: 10), lastAppendTime: Timestamp(rawValue: 0), recordCount: 10,
          reason: .sealed)))
    #expect(throws: ManifestState.Contradiction.self) { try state.apply(activation(6, at: 9)) }
    try state.apply(activation(6, at: 10))
    #expect(state.streams[1]?.segments.count == 2)
  }

  private func durable(_ position: UInt64) -> ManifestEdit {
    .segmentDurable(
      ManifestEdit.DurablePrefix(
        streamID: 1, segmentID: 5, position: FilePosition(rawValue: position),
        nextOffset: Offset(rawValue: position), lastAppendTime: Timestamp(rawValue: 3)))
  }

  @Test func `what is durable only grows, and an end makes it void`() throws {
    var state = try state()
    #expect(throws: ManifestState.Contradiction.self) { try state.apply(durable(20_000)) }
    state = try self.state()
    try state.apply(activation(5, at: 0))
    for position: UInt64 in [20_000, 30_000, 20_000] { try state.apply(durable(position)) }
    #expect(state.streams[1]?.segments[0].durable?.position.rawValue == 30_000)
    var rebuilt = ManifestState()
    for edit in state.snapshot() { try rebuilt.apply(edit) }
    #expect(rebuilt == state)
    try state.apply(
      .segmentEnded(
        ManifestEdit.SegmentEnd(
          streamID: 1, segmentID: 5, endPosition: FilePosition(rawValue: 25_000),
          nextOffset: Offset(rawValue: 10), lastAppendTime: Timestamp(rawValue: 0), recordCount: 10,
          reason: .poisoned)))
    try state.apply(durable(40_000))
    #expect(state.streams[1]?.segments[0].durable == nil)
  }

  @Test(arguments: [UInt64.max, UInt64.max - 1, 1 << 63])
  func `ids that leave no room to count on are refused`(_ id: UInt64) throws {
    let edits: [ManifestEdit] = [
      .snapshotBegin(ManifestEdit.SnapshotBegin(nextSegmentID: id, nextStreamID: 1)),
      .snapshotBegin(ManifestEdit.SnapshotBegin(nextSegmentID: 1, nextStreamID: id)),
      .createStream(StreamOptions().definition(id: id, name: "t")),
      .segmentIntent(streamID: 1, segmentID: id),
      .segmentPrepared(
        ManifestEdit.SegmentDefinition(streamID: 1, segmentID: id, capacity: 65_536, salt: 1)),
    ]
    for edit in edits {
      var state = try state()
      #expect(throws: ManifestState.Contradiction.self) { try state.apply(edit) }
    }
  }
}

import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import CommitLog

/// Manifests larger than a batch may be.
@Suite struct ManifestFramesTests {
  private static func intents(_ ids: Range<UInt64>) -> [ManifestEdit] {
    ids.map { .segmentIntent(streamID: 1, segmentID: $0) }
  }

  @Test func `more edits than any batch holds are several frames and one commit`() throws {
    let count: UInt64 = (1 << 20) + 10
    let salt: UInt64 = 0x5a17
    let start = UInt64(SegmentLayout.preambleByteCount)
    let base = Offset(rawValue: 77)
    let frames = try ManifestFrames.encode(
      Self.intents(1..<(count + 1)), path: "manifest", at: start, salt: salt, baseOffset: base,
      time: Timestamp(rawValue: 5), durablePosition: start, sequence: 9, epoch: 3)
    let image = [UInt8](repeating: 0, count: Int(start)) + frames + [0, 0, 0, 0, 0, 0, 0, 0]
    let reader = FrameReader(image.span.bytes, salt: salt, limits: FormatLimits().forManifest)
    var scan = SegmentScan(
      baseOffset: base, baseAppendTime: Timestamp(rawValue: 0), provenPosition: 0,
      producerLimit: 0)
    scan.walk(reader, to: UInt64(image.count))
    #expect(scan.damaged.isEmpty && scan.commitSequence == 9)
    #expect(scan.position == start + UInt64(frames.count))
    #expect(scan.nextOffset == base.advanced(by: count))
    var position = start
    var id: UInt64 = 1
    while position < scan.position {
      let frame = try reader.frame(at: position, verifying: true)
      if frame.head.kind == .batch {
        let batch = try BatchView(
          frame.bytes, frameHead: frame.head, place: nil, limits: reader.limits)
        for index in [0, batch.count - 1] {
          let edit = try ManifestEdit.decoded(try batch.record(at: index).value)
          #expect(edit == .segmentIntent(streamID: 1, segmentID: id + UInt64(index)))
        }
        id += UInt64(batch.count)
      }
      position = frame.end
    }
    #expect(id == count + 1)
  }

  @Test(arguments: [UInt64(64) << 10, 64 << 20])
  func `a manifest of any size comes back`(_ segmentByteCount: UInt64) throws {
    var machine = Machine()
    // The edits go into a fresh segment with a snapshot, or behind what is there.
    machine.options.manifestSegmentByteCount = segmentByteCount
    try machine.create()
    let store = try machine.open()
    defer { store.close() }
    let log = try store.createStream(StreamName("s"), options: small())
    try log.append(bytes("record"))
    try log.flush()
    let before = store.core.manifest.place.segmentID
    try store.core.manifest.apply(Self.intents(100..<70_000), durably: true)
    #expect((store.core.manifest.place.segmentID == before) == (segmentByteCount > 1 << 20))
    let state = store.core.manifest.state
    #expect(state.intents.count > ManifestFrames.batchEditCount)
    let crashed = machine.crashed(.loseAll)
    let reader = try StoreReader.open(
      at: "/data/s", options: crashed.options, environment: crashed.environment)
    #expect(reader.manifest == state)
    try expectSound(crashed)
  }

  @Test func `the limits of batches do not hold for the manifest`() throws {
    var machine = Machine()
    machine.options.limits = FormatLimits(
      recordByteCountLimit: 64, batchByteCountLimit: 256, batchRecordCountLimit: 2)
    try machine.create()
    for round in 0..<3 {
      let store = try machine.open()
      for index in 0..<48 {
        let log = try store.createStream(StreamName("stream \(index)"), options: small())
        #expect(log.logEndOffset.rawValue == UInt64(round))
        try log.append(bytes("record \(round)"))
        try log.flush()
      }
      if round == 1 { store.abandon() } else { store.close() }
    }
    try expectSound(machine)
    let store = try machine.open()
    #expect(store.streamNames.count == 48)
    store.close()
  }
}

import ByteCoding
import LogFormat
import Quantities
import TestSupport
import Testing

@Suite struct BatchBuilderTests {
  static let salt = Samples.salt
  static let position = Samples.position

  /// Encodes, reads back and compares with what went in; returns the frame.
  @discardableResult
  static func check(_ records: [RecordSpec], producer: ProducerStamp? = nil) throws -> [UInt8] {
    let frame = try RecordSpec.batchFrame(
      records, producer: producer, baseOffset: 50, appendTime: 60, epoch: 9, salt: salt,
      position: position)
    let file = [UInt8](repeating: 0, count: Int(position)) + frame
    let walk = SegmentWalk(file, salt: salt)
    try #require(walk.contradictions.isEmpty)
    let expected = try records.enumerated().map { index, record in
      try record.record(offset: 50 + UInt64(index), appendTime: 60)
    }
    try #require(walk.records == expected)
    let head = FrameHead(word: Forge.word(frame, at: 0), checksum: 0)
    let bytes = frame.rawSpan.extracting(0..<Int(head.length))
    let view = try BatchView(bytes, frameHead: head, place: nil, limits: FormatLimits())
    #expect(try view.producer == producer)
    #expect(view.head.epoch == 9)
    #expect(view.nextOffset == Offset(rawValue: 50 + UInt64(records.count)))
    #expect(view.bodies.byteCount == view.head.bodyByteCount)
    return frame
  }

  static func columns(_ frame: [UInt8]) -> ColumnSet {
    ColumnSet(rawValue: UInt16(Forge.word(frame, at: 0) >> 48))
  }

  static func record(_ bits: Int) -> RecordSpec {
    var record = RecordSpec("v\(bits)")
    if bits & 1 != 0 { record.key = [UInt8](repeating: 1, count: bits & 7) }
    if bits & 2 != 0 { record.type = Array("type".utf8) }
    if bits & 4 != 0 { record.headers = [.init(name: "h", value: [UInt8(bits)])] }
    if bits & 8 != 0 { record.eventTime = Timestamp(rawValue: 1_000 * Int64(bits)) }
    if bits & 16 != 0 {
      record.key = record.key ?? []
      record.value = []
      record.isTombstone = true
    }
    return record
  }

  @Test func `any two combinations of parts share a batch in either order`() throws {
    for first in 0..<32 {
      for second in 0..<32 {
        try Self.check([Self.record(first), Self.record(second)])
      }
    }
  }

  @Test(arguments: 0..<32)
  func `a part that appears late leaves the earlier records without it`(_ bits: Int) throws {
    let plain = (0..<300).map { RecordSpec("plain \($0)") }
    try Self.check(plain + [Self.record(bits)] + plain, producer: Samples.stamp)
  }

  @Test func `a batch of plain records has no columns but ends`() throws {
    #expect(Self.columns(try Self.check([RecordSpec("a"), RecordSpec("")])) == .narrowEnds)
    let stamped = try Self.check([RecordSpec("a")], producer: Samples.stamp)
    #expect(Self.columns(stamped) == [.narrowEnds, .producer])
  }

  @Test func `flags are written only where one means something`() throws {
    let keyed = [RecordSpec("a", key: "k"), RecordSpec("b", key: "")]
    #expect(Self.columns(try Self.check(keyed)) == [.narrowEnds, .key])
    let mixed = keyed + [RecordSpec("c")]
    #expect(Self.columns(try Self.check(mixed)) == [.narrowEnds, .key, .flags])
    let headed = [
      RecordSpec("a"), RecordSpec("b", headers: [.init(name: "h", value: [])]),
    ]
    #expect(Self.columns(try Self.check(headed)) == [.narrowEnds, .headers])
  }

  @Test(arguments: [65_535, 65_536, 65_537])
  func `ends are narrow up to 65,535 bytes of bodies`(_ count: Int) throws {
    let half = RecordSpec(bytes: [UInt8](repeating: 1, count: 32_768))
    let rest = RecordSpec(bytes: [UInt8](repeating: 2, count: count - 32_768))
    let frame = try Self.check([half, rest])
    #expect(Self.columns(frame).contains(.narrowEnds) == (count <= 65_535))
    var keyed = rest
    keyed.key = [9, 9, 9]
    keyed.value.removeLast(3)
    let wide = try Self.check([half, keyed])
    #expect(Self.columns(wide).contains(.narrowEnds) == (count <= 65_535))
  }

  @Test(
    arguments: [
      ([0, 1_000, 5_000], true), ([-7_000_123, 877, -123], true), ([0, 1], false),
      ([0, 999], false), ([-1, 999], true), ([0, 4_294_967_295_000], true),
      ([0, 4_294_967_296_000], false), ([.min, .max], false), ([.min], true), ([.max], true),
      ([.min, .min + 1_000], true), ([.min, 0], false), ([.max - 1_000, .max], true),
    ] as [([Int64], Bool)])
  func `event times are microsecond deltas where they fit and nanoseconds where not`(
    _ times: [Int64], isDelta: Bool
  ) throws {
    let records = times.map { RecordSpec("t", eventTime: $0) }
    for records in [records, records + [RecordSpec("none")], [RecordSpec("none")] + records] {
      let columns = Self.columns(try Self.check(records))
      #expect(columns.contains(.eventTimeDelta) == isDelta)
      #expect(columns.contains(.eventTime) != isDelta)
    }
  }

  @Test func `the builder writes what the column writer writes`() throws {
    var batch = ColumnBatch(Samples.variedRecords)
    batch.producer = Samples.stamp
    batch.eventTimes = .deltas
    (batch.hasFlags, batch.hasKeys, batch.hasTypes, batch.hasHeaders) = (true, true, true, true)
    let expected = try batch.encoded(
      baseOffset: 50, appendTime: 60, salt: Self.salt, position: Self.position)
    let frame = try RecordSpec.batchFrame(
      Samples.variedRecords, producer: Samples.stamp, baseOffset: 50, appendTime: 60,
      salt: Self.salt, position: Self.position)
    #expect(frame == expected)
  }

  @Test func `a builder used again remembers nothing`() throws {
    var builder = BatchBuilder(capacity: 64)
    func fill(_ records: [RecordSpec]) throws(FormatError) -> [UInt8] {
      for record in records {
        try record.withInput { input throws(FormatError) in try builder.append(input) }
      }
      let frame = try RecordSpec.batchFrame(
        builder, baseOffset: 1, appendTime: 2, salt: Self.salt, position: Self.position)
      builder.removeAll()
      return frame
    }
    let plain = (0..<500).map { RecordSpec("record \($0)") }
    let first = try fill(plain)
    _ = try fill(Samples.variedRecords)
    let isEmpty = builder.isEmpty && builder.bodyByteCount == 0
    #expect(isEmpty)
    #expect(try fill(plain) == first)
  }

  @Test func `both ways to append a plain value agree`() throws {
    var builder = BatchBuilder()
    let bytes: [UInt8] = [1, 2, 3]
    try builder.append(bytes.rawSpan)
    try Samples.fullRecord.withInput { input throws(FormatError) in try builder.append(input) }
    try bytes.withUnsafeBytes { buffer in try builder.append(unsafeBytes: buffer) }
    try builder.append([UInt8]().rawSpan)
    let frame = try RecordSpec.batchFrame(
      builder, baseOffset: 50, appendTime: 60, epoch: 9, salt: Self.salt, position: Self.position)
    let same = try Self.check([
      RecordSpec(bytes: bytes), Samples.fullRecord, RecordSpec(bytes: bytes), RecordSpec(""),
    ])
    #expect(frame == same)
  }

  @Test func `the summary of event times counts what has one`() throws {
    var builder = BatchBuilder()
    let none = builder.eventTimeSummary == nil
    #expect(none)
    for record in [
      RecordSpec("plain"), RecordSpec("a", eventTime: -3), RecordSpec("b", key: "k"),
      RecordSpec("c", eventTime: .min), RecordSpec("d", eventTime: 0),
    ] {
      try record.withInput { input throws(FormatError) in try builder.append(input) }
    }
    let summary = builder.eventTimeSummary
    #expect(summary?.count == 3)
    #expect(summary?.earliest == Timestamp(rawValue: .min))
    #expect(summary?.latest == Timestamp(rawValue: 0))
  }

  @Test func `an empty builder has no frame`() {
    let builder = BatchBuilder()
    let error = Self.error { _ = try builder.plan() }
    #expect(error == .damaged(.batch, .count))
  }

  static func error(_ body: () throws -> Void) -> FormatError? {
    do { try body() } catch { return error as? FormatError }
    return nil
  }
}

import ByteCoding
import LogFormat
import TestSupport
import Testing

@Suite struct LimitTests {
  static func append(_ record: RecordSpec, _ limits: FormatLimits = FormatLimits())
    throws(FormatError)
  {
    var builder = BatchBuilder(limits: limits)
    try record.withInput { input throws(FormatError) in try builder.append(input) }
  }

  @Test func `each part has its limit and is refused one byte above it`() throws {
    var record = RecordSpec("v", key: String(repeating: "k", count: 65_535))
    try Self.append(record)
    record.key?.append(0)
    #expect(throws: FormatError.overLimit(.soloRecord, value: 65_536, limit: 65_535)) {
      try Self.append(record)
    }
    record = RecordSpec("v", type: String(repeating: "t", count: 255))
    try Self.append(record)
    record.type?.append(0)
    #expect(throws: FormatError.overLimit(.soloRecord, value: 256, limit: 255)) {
      try Self.append(record)
    }
    let room = (1 << 20) - 7
    record = RecordSpec("v")
    record.headers = [.init(name: "n", value: [UInt8](repeating: 0, count: room))]
    try Self.append(record)
    record.headers = [.init(name: "n", value: [UInt8](repeating: 0, count: room + 1))]
    #expect(throws: FormatError.overLimit(.recordHeaders, value: (1 << 20) + 1, limit: 1 << 20)) {
      try Self.append(record)
    }
  }

  @Test func `a record over the limit is refused whole or in parts`() throws {
    var limits = FormatLimits()
    limits.recordByteCountLimit = 100
    try Self.append(RecordSpec(bytes: [UInt8](repeating: 0, count: 100)), limits)
    let error = FormatError.overLimit(.soloRecord, value: 101, limit: 100)
    #expect(throws: error) {
      try Self.append(RecordSpec(bytes: [UInt8](repeating: 0, count: 101)), limits)
    }
    var record = RecordSpec(bytes: [UInt8](repeating: 0, count: 98))
    record.key = [1, 2, 3]
    #expect(throws: error) { try Self.append(record, limits) }
  }

  @Test func `a refused record leaves the batch as it was`() throws {
    var limits = FormatLimits()
    limits.batchRecordCountLimit = 2
    limits.batchByteCountLimit = 1_000
    var builder = BatchBuilder(limits: limits)
    let large = [UInt8](repeating: 0, count: 900)
    try builder.append([1, 2, 3].rawSpan)
    let before = (builder.count, builder.bodyByteCount)
    #expect(
      BatchBuilderTests.error { try builder.append(large.rawSpan) }
        == .overLimit(.batch, value: 903 + 64 + 128, limit: 1_000))
    let now = (builder.count, builder.bodyByteCount)
    #expect(now == before)
    try builder.append([4].rawSpan)
    #expect(
      BatchBuilderTests.error { try builder.append([5].rawSpan) }
        == .overLimit(.batch, value: 3, limit: 2))
    let frame = try RecordSpec.batchFrame(
      builder, baseOffset: 0, appendTime: 0, salt: 1, position: 16_384)
    #expect(Forge.word(frame, at: 32) & 0xffff_ffff == 2)
  }

  @Test func `a batch filled up to its limits is read within them`() throws {
    var limits = FormatLimits()
    limits.batchByteCountLimit = 4_096
    var builder = BatchBuilder(limits: limits)
    let record = RecordSpec("v", key: "k", type: "t", headers: [.init(name: "h", value: [])])
    var error: FormatError?
    while error == nil {
      error = BatchBuilderTests.error {
        try record.withInput { input throws(FormatError) in try builder.append(input) }
      }
    }
    let plan = try builder.plan(producer: Samples.stamp)
    #expect(plan.byteCount <= limits.batchByteCountLimit)
  }

  @Test func `tombstones need a key and have no value`() {
    var record = RecordSpec("value", key: "k", isTombstone: true)
    let error = FormatError.damaged(.soloRecord, .columns)
    #expect(throws: error) { try Self.append(record) }
    record = RecordSpec("", isTombstone: true)
    #expect(throws: error) { try Self.append(record) }
  }

  @Test func `a header name that is not text is refused before it is stored`() throws {
    var block = try RecordHeaders.encoded([.init(name: "ab", value: [])])
    block[6] = 0xc3
    let value: [UInt8] = [1]
    var builder = BatchBuilder()
    let error = BatchBuilderTests.error {
      let input = RecordInput(value.rawSpan, key: nil, type: nil, headers: block.rawSpan)
      try builder.append(input)
    }
    #expect(error == .damaged(.recordHeaders, .text))
    let isEmpty = builder.isEmpty
    #expect(isEmpty)
  }

  @Test func `errors say what to do and differ by what follows`() {
    let newer = FormatError.newer(.batch, .codec).description
    #expect(newer.contains("upgrade"))
    let damaged = FormatError.damaged(.batch, .checksum).description
    #expect(damaged.contains("damaged") && !damaged.contains("upgrade"))
    #expect(FormatError.overLimit(.batch, value: 2, limit: 1).description.contains("limit of 1"))
    #expect(
      FormatError.truncated(.frame, needed: 20, available: 10).description.contains("truncated"))
  }
}

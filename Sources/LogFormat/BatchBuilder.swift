internal import ByteCoding
public import Quantities

/// Collects records and writes them as one batch frame.
///
/// The builder keeps its memory between batches: call ``removeAll()`` and fill it again. It is not
/// shared between threads.
// Safety: the two blocks are allocated by init or grow, owned by this value alone and released once.
@safe public struct BatchBuilder: ~Copyable {
  /// Number of records collected.
  public private(set) var count = 0
  /// Bytes of keys, types, headers and values collected.
  public private(set) var bodyByteCount = 0
  let limits: FormatLimits
  private var bodies: UnsafeMutableRawPointer
  private var bodyCapacity: Int
  private var ends: UnsafeMutablePointer<UInt32>
  private var endCapacity: Int
  private var keyEnds: [UInt32] = []
  private var typeEnds: [UInt32] = []
  private var headersEnds: [UInt32] = []
  private var eventTimes: [Int64] = []
  private var flags: [RecordFlags] = []
  private var hasKeys = false
  private var hasTypes = false
  private var hasHeaders = false
  private var hasEventTimes = false
  private var isPlain = true

  /// Makes an empty builder.
  ///
  /// - Parameters:
  ///   - limits: Bounds every record and the whole batch must keep.
  ///   - capacity: Bytes of bodies to make room for at once.
  public init(limits: FormatLimits = FormatLimits(), capacity: Int = 64 << 10) {
    self.limits = limits
    bodyCapacity = max(64, capacity)
    endCapacity = 256
    // Safety: owned by this value alone, released in deinit.
    unsafe bodies = .allocate(byteCount: bodyCapacity, alignment: 64)
    unsafe ends = .allocate(capacity: endCapacity)
  }

  deinit {
    // Safety: allocated in init or grow, never shared.
    unsafe bodies.deallocate()
    unsafe ends.deallocate()
  }

  /// Whether nothing was collected.
  public var isEmpty: Bool { count == 0 }

  /// Forgets all records and keeps the memory.
  public mutating func removeAll() {
    count = 0
    bodyByteCount = 0
    guard !isPlain else { return }
    keyEnds.removeAll(keepingCapacity: true)
    typeEnds.removeAll(keepingCapacity: true)
    headersEnds.removeAll(keepingCapacity: true)
    eventTimes.removeAll(keepingCapacity: true)
    flags.removeAll(keepingCapacity: true)
    (hasKeys, hasTypes, hasHeaders, hasEventTimes, isPlain) = (false, false, false, false, true)
  }

  /// Adds a record that is nothing but a value.
  ///
  /// - Throws: `.overLimit` when the record or the batch would be too large; nothing is added then.
  @inlinable
  public mutating func append(_ value: RawSpan) throws(FormatError) {
    // Safety: the buffer is used inside the closure only.
    try unsafe value.withUnsafeBytes { bytes throws(FormatError) in
      try unsafe append(unsafeBytes: bytes)
    }
  }

  /// Adds a record that is nothing but a value, from memory the caller keeps valid for the call.
  public mutating func append(unsafeBytes value: UnsafeRawBufferPointer) throws(FormatError) {
    guard isPlain else { return try appendParts(RecordInput(unsafe value.bytes)) }
    try makeRoom(value.count)
    if let source = value.baseAddress {
      // Safety: makeRoom reserved `value.count` bytes behind `bodyByteCount`.
      unsafe (bodies + bodyByteCount).copyMemory(from: source, byteCount: value.count)
    }
    bodyByteCount &+= value.count
    // Safety: makeRoom reserved an element at `count`.
    unsafe ends[count] = UInt32(truncatingIfNeeded: bodyByteCount)
    count &+= 1
  }

  /// Adds a record with any of its parts.
  ///
  /// - Throws: `.overLimit` naming the part, or `.damaged` for contradictory parts; nothing is added.
  public mutating func append(_ record: borrowing RecordInput) throws(FormatError) {
    try record.check(limits)
    if record.isPlain && isPlain {
      try append(record.value)
    } else {
      try appendParts(record)
    }
  }

  private mutating func appendParts(_ record: borrowing RecordInput) throws(FormatError) {
    try makeRoom(record.bodyByteCount)
    if isPlain { leavePlain() }
    var missing: RecordFlags = record.isTombstone ? .tombstone : []
    if record.hasKey { hasKeys = true } else { missing.insert(.noKey) }
    if record.hasType { hasTypes = true } else { missing.insert(.noType) }
    if record.headers.byteCount > 0 { hasHeaders = true }
    if record.eventTime != nil { hasEventTimes = true } else { missing.insert(.noEventTime) }
    add(record.key)
    keyEnds.append(UInt32(truncatingIfNeeded: bodyByteCount))
    add(record.type)
    typeEnds.append(UInt32(truncatingIfNeeded: bodyByteCount))
    add(record.headers)
    headersEnds.append(UInt32(truncatingIfNeeded: bodyByteCount))
    add(record.value)
    eventTimes.append(record.eventTime?.rawValue ?? 0)
    flags.append(missing)
    // Safety: makeRoom reserved an element at `count`.
    unsafe ends[count] = UInt32(truncatingIfNeeded: bodyByteCount)
    count += 1
  }

  private mutating func add(_ bytes: RawSpan) {
    // Safety: makeRoom reserved room for all parts of the record.
    unsafe bytes.withUnsafeBytes { source in
      if let base = source.baseAddress {
        unsafe (bodies + bodyByteCount).copyMemory(from: base, byteCount: source.count)
      }
    }
    bodyByteCount += bytes.byteCount
  }

  /// Gives the columns of earlier plain records their values.
  private mutating func leavePlain() {
    isPlain = false
    var start: UInt32 = 0
    for index in 0..<count {
      keyEnds.append(start)
      typeEnds.append(start)
      headersEnds.append(start)
      eventTimes.append(0)
      flags.append([.noKey, .noType, .noEventTime])
      // Safety: `index` is below `count`.
      start = unsafe ends[index]
    }
  }

  private mutating func makeRoom(_ byteCount: Int) throws(FormatError) {
    guard byteCount <= limits.recordByteCountLimit else {
      throw .overLimit(
        .soloRecord, value: UInt64(byteCount), limit: UInt64(limits.recordByteCountLimit))
    }
    guard count < limits.batchRecordCountLimit else {
      throw .overLimit(
        .batch, value: UInt64(count) + 1, limit: UInt64(limits.batchRecordCountLimit))
    }
    // Columns take at most 32 bytes a record; the head and stamp 128.
    let total = bodyByteCount &+ byteCount &+ 32 &* (count &+ 1) &+ 128
    guard total <= limits.batchByteCountLimit else {
      throw .overLimit(
        .batch, value: UInt64(total), limit: UInt64(limits.batchByteCountLimit))
    }
    if bodyByteCount &+ byteCount > bodyCapacity || count == endCapacity { grow(byteCount) }
  }

  private mutating func grow(_ byteCount: Int) {
    if bodyByteCount + byteCount > bodyCapacity {
      let capacity = max(bodyCapacity * 2, bodyByteCount + byteCount)
      // Safety: the old block holds `bodyByteCount` initialised bytes and is released here once.
      let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
      unsafe larger.copyMemory(from: bodies, byteCount: bodyByteCount)
      unsafe bodies.deallocate()
      unsafe bodies = larger
      bodyCapacity = capacity
    }
    if count == endCapacity {
      // Safety: as above, for `count` elements.
      let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: endCapacity * 2)
      unsafe larger.update(from: ends, count: count)
      unsafe ends.deallocate()
      unsafe ends = larger
      endCapacity *= 2
    }
  }

  // MARK: Writing

  private func eventRange() -> (base: Int64, largest: UInt32)? {
    var base = Int64.max
    for index in 0..<count where !flags[index].contains(.noEventTime) {
      base = min(base, eventTimes[index])
    }
    var largest: UInt32 = 0
    for index in 0..<count where !flags[index].contains(.noEventTime) {
      let (delta, overflow) = eventTimes[index].subtractingReportingOverflow(base)
      guard !overflow, delta % 1_000 == 0, let micro = UInt32(exactly: delta / 1_000) else {
        return nil
      }
      largest = max(largest, micro)
    }
    return (base, largest)
  }

  private func columns(producer: ProducerStamp?, deltas: Bool) -> ColumnSet {
    var columns: ColumnSet = []
    if producer != nil { columns.insert(.producer) }
    if bodyByteCount <= Int(UInt16.max) { columns.insert(.narrowEnds) }
    guard !isPlain else { return columns }
    if hasKeys { columns.insert(.key) }
    if hasTypes { columns.insert(.type) }
    if hasHeaders { columns.insert(.headers) }
    if hasEventTimes { columns.insert(deltas ? .eventTimeDelta : .eventTime) }
    if flags.contains(where: { !significant($0).isEmpty }) { columns.insert(.flags) }
    return columns
  }

  /// A flag that says a part is missing only means something when the batch has that column.
  private func significant(_ flags: RecordFlags) -> RecordFlags {
    var result = flags
    if !hasKeys { result.remove(.noKey) }
    if !hasTypes { result.remove(.noType) }
    if !hasEventTimes { result.remove(.noEventTime) }
    return result
  }

  /// How many records have an event time, the earliest and the latest; `nil` when none has.
  public var eventTimeSummary: (count: Int, earliest: Timestamp, latest: Timestamp)? {
    guard hasEventTimes else { return nil }
    var (count, earliest, latest) = (0, Int64.max, Int64.min)
    for index in 0..<self.count where !flags[index].contains(.noEventTime) {
      count += 1
      earliest = min(earliest, eventTimes[index])
      latest = max(latest, eventTimes[index])
    }
    return (count, Timestamp(rawValue: earliest), Timestamp(rawValue: latest))
  }

  /// Everything decided about a frame before it is written.
  public struct Plan {
    /// Bytes of the frame, alignment not included.
    public let byteCount: Int
    let columns: ColumnSet
    let layout: BatchLayout
    let eventBase: Int64
    let largestEventDelta: UInt32
    let producer: ProducerStamp?
  }

  /// Lays the frame out.
  ///
  /// - Throws: `.damaged(.batch, .count)` when empty, `.overLimit`.
  public func plan(producer: ProducerStamp? = nil) throws(FormatError) -> Plan {
    guard count > 0 else { throw .damaged(.batch, .count) }
    let range = hasEventTimes ? eventRange() : nil
    let columns = columns(producer: producer, deltas: range != nil)
    guard let layout = BatchLayout(count: count, columns: columns, bodyByteCount: bodyByteCount),
      layout.byteCount <= limits.batchByteCountLimit
    else {
      throw .overLimit(
        .batch, value: UInt64(bodyByteCount), limit: UInt64(limits.batchByteCountLimit))
    }
    return Plan(
      byteCount: layout.byteCount, columns: columns, layout: layout, eventBase: range?.base ?? 0,
      largestEventDelta: range?.largest ?? 0, producer: producer)
  }

  /// Writes everything but the first 8 bytes of the frame and returns those.
  ///
  /// The caller stores the returned word last: it is what makes the frame exist. The destination
  /// has at least `plan.byteCount` bytes, rounded up to 8.
  public func encode(
    _ plan: Plan, into destination: UnsafeMutableRawPointer, baseOffset: Offset,
    appendTime: Timestamp, epoch: UInt32, salt: UInt64, position: UInt64
  ) -> UInt64 {
    let word = FrameHead.word(
      length: UInt32(truncatingIfNeeded: plan.byteCount), kind: .batch, columns: plan.columns)
    // Safety: the caller owns the destination and sized it from the plan.
    let frame = unsafe UnsafeMutableRawBufferPointer(
      start: destination, count: SegmentLayout.aligned(plan.byteCount))
    unsafe SoloRecord.zeroPadding(destination, from: plan.byteCount)
    unsafe frame.storeLittleEndian(baseOffset.rawValue, at: 16)
    unsafe frame.storeLittleEndian(appendTime.rawValue, at: 24)
    unsafe frame.storeLittleEndian(UInt32(truncatingIfNeeded: count), at: 32)
    unsafe frame.storeLittleEndian(UInt32(truncatingIfNeeded: count - 1), at: 36)
    unsafe frame.storeLittleEndian(UInt32(truncatingIfNeeded: bodyByteCount), at: 40)
    unsafe frame.storeLittleEndian(plan.largestEventDelta, at: 44)
    unsafe frame.storeLittleEndian(UInt64(0), at: 48)
    unsafe frame.storeLittleEndian(epoch, at: 56)
    let place = FrameChecksum.place(salt: salt, position: position, word: word)
    let check = unsafe FrameChecksum.content(
      UnsafeRawBufferPointer(start: destination + 16, count: BatchHead.checkPosition - 16))
    unsafe frame.storeLittleEndian(
      UInt32(truncatingIfNeeded: check ^ place), at: BatchHead.checkPosition)
    unsafe storeColumns(plan, in: frame)
    unsafe (destination + plan.layout.bodies).copyMemory(from: bodies, byteCount: bodyByteCount)
    let content = unsafe FrameChecksum.content(
      UnsafeRawBufferPointer(start: destination + 16, count: plan.byteCount - 16))
    unsafe frame.storeLittleEndian(content ^ place, at: 8)
    return word
  }

  private func storeColumns(_ plan: Plan, in frame: UnsafeMutableRawBufferPointer) {
    // Safety: all positions come from the layout the frame was sized by. Columns are padded with
    // zeros first, because the memory may hold anything.
    let columnBytes = plan.layout.bodies - BatchLayout.headByteCount
    unsafe UnsafeMutableRawBufferPointer(
      rebasing: frame[BatchLayout.headByteCount..<plan.layout.bodies]
    ).initializeMemory(as: UInt8.self, repeating: 0)
    guard columnBytes > 0 else { return }
    if let producer = plan.producer { unsafe producer.store(in: frame, at: 64) }
    let narrow = plan.columns.contains(.narrowEnds)
    func store(_ value: UInt32, _ column: Int, _ index: Int) {
      if narrow {
        unsafe frame.storeLittleEndian(
          UInt16(truncatingIfNeeded: value), at: column + 2 * index)
      } else {
        unsafe frame.storeLittleEndian(value, at: column + 4 * index)
      }
    }
    for index in 0..<count { unsafe store(ends[index], plan.layout.ends, index) }
    guard !isPlain else { return }
    for index in 0..<count {
      if hasKeys { store(keyEnds[index], plan.layout.keyEnds, index) }
      if hasTypes { store(typeEnds[index], plan.layout.typeEnds, index) }
      if hasHeaders { store(headersEnds[index], plan.layout.headersEnds, index) }
      if plan.columns.contains(.flags) {
        let raw = significant(flags[index]).rawValue
        unsafe frame.storeBytes(of: raw, toByteOffset: plan.layout.flags + index, as: UInt8.self)
      }
      unsafe storeEventTime(plan, index, in: frame)
    }
    if plan.columns.contains(.eventTimeDelta) {
      unsafe frame.storeLittleEndian(plan.eventBase, at: plan.layout.eventBase)
    }
  }

  private func storeEventTime(
    _ plan: Plan, _ index: Int, in frame: UnsafeMutableRawBufferPointer
  ) {
    let time = eventTimes[index]
    // Safety: positions come from the layout the frame was sized by.
    if plan.columns.contains(.eventTime) {
      unsafe frame.storeLittleEndian(time, at: plan.layout.eventTimes + 8 * index)
    } else if plan.columns.contains(.eventTimeDelta) {
      let isMissing = flags[index].contains(.noEventTime)
      let delta = isMissing ? 0 : (time - plan.eventBase) / 1_000
      unsafe frame.storeLittleEndian(
        UInt32(truncatingIfNeeded: delta), at: plan.layout.eventDeltas + 4 * index)
    }
  }
}

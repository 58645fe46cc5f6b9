public import ByteCoding

/// One frame found in a segment, borrowed; its checksum holds when it was asked for.
public struct Frame: ~Escapable {
  /// The first 16 bytes.
  public let head: FrameHead
  /// Position in the segment.
  public let position: UInt64
  /// Exactly the bytes of the frame.
  public let bytes: RawSpan

  @inlinable
  @_lifetime(copy bytes)
  init(head: FrameHead, position: UInt64, bytes: RawSpan) {
    self.head = head
    self.position = position
    self.bytes = bytes
  }

  /// Position of the next frame.
  @inlinable
  public var end: UInt64 { position &+ UInt64(head.alignedByteCount) }

  /// Smallest length a frame of a kind can have.
  public static func minimumByteCount(_ kind: FrameKind) -> Int {
    switch kind {
    case .soloRecord: SoloRecord.headByteCount
    case .batch: BatchLayout.headByteCount
    case .padding: FrameHead.byteCount
    case .indexRows: IndexFrame.headByteCount
    case .integrity: IntegrityFrame.headByteCount
    case .state: StateFrame.headByteCount
    case .control: ControlFrame.byteCount
    case .gap: GapFrame.byteCount
    case .seal: SealBlock.fixedByteCount + SealTrailer.byteCount
    case .commit: CommitFrame.byteCount
    }
  }

  /// Largest length a frame of a kind can have.
  static func maximumByteCount(_ kind: FrameKind, _ limits: FormatLimits) -> Int {
    switch kind {
    case .soloRecord: limits.recordByteCountLimit + 256
    case .batch: limits.batchByteCountLimit
    default: Int(UInt32.max)
    }
  }

  /// How many bytes of a frame its checksum covers: gaps and padding hold free space behind that.
  public static func coveredByteCount(_ kind: FrameKind?, length: Int) -> Int {
    switch kind {
    case .padding: FrameHead.byteCount
    case .gap: GapFrame.byteCount
    default: length
    }
  }

  /// The bytes of a small frame: head, then body. The caller pads to 8.
  static func encoded(
    _ kind: FrameKind, length: UInt32? = nil, body: [UInt8], salt: UInt64, position: UInt64
  ) -> [UInt8] {
    let length = length ?? UInt32(FrameHead.byteCount + body.count)
    let word = FrameHead.word(length: length, kind: kind)
    let content = FrameChecksum.content(body.rawSpan)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(SegmentLayout.aligned(FrameHead.byteCount + body.count))
    bytes.appendLittleEndian(word)
    bytes.appendLittleEndian(
      content ^ FrameChecksum.place(salt: salt, position: position, word: word))
    bytes += body
    while bytes.count % SegmentLayout.frameAlignment != 0 { bytes.append(0) }
    return bytes
  }

  /// The 16 bytes of a padding frame of `length` bytes at `position`.
  public static func padding(length: UInt32, salt: UInt64, at position: UInt64) -> [UInt8] {
    encoded(.padding, length: length, body: [], salt: salt, position: position)
  }

  /// Mends the checksums of a frame whose bytes moved from one place of a segment to another.
  ///
  /// The first 8 bytes of the frame may be missing still: `word` holds them, as the encoder
  /// returned them.
  ///
  /// A batch is hashed again, because its head check has a place of its own and is content of the
  /// frame; of all other kinds only 8 bytes change.
  public static func mendMoved(
    _ frame: UnsafeMutableRawBufferPointer, word: UInt64,
    from old: (salt: UInt64, position: UInt64), to new: (salt: UInt64, position: UInt64)
  ) throws(FormatError) {
    let head = FrameHead(word: word, checksum: 0)
    // Safety: the buffer is borrowed for the call and outlives every span made of it here.
    guard let checksum = unsafe frame.bytes.littleEndianUnsigned64(at: 8),
      frame.count >= Int(head.length),
      head.length >= UInt32(minimumByteCount(head.kind ?? .padding))
    else { throw .damaged(.frame, .length) }
    guard head.kind == .batch else {
      let moved = FrameHead(word: word, checksum: checksum)
      let value = movedChecksum(moved, word: word, from: old, to: new)
      return unsafe frame.storeLittleEndian(value, at: 8)
    }
    let place = FrameChecksum.place(salt: new.salt, position: new.position, word: word)
    // Safety: the frame holds a whole batch head and `length` bytes, see above.
    let check = unsafe BatchHead.check(frame.bytes, place: place)
    unsafe frame.storeLittleEndian(check, at: BatchHead.checkPosition)
    let content = unsafe FrameChecksum.content(
      frame.bytes.extracting(FrameHead.byteCount..<Int(head.length)))
    unsafe frame.storeLittleEndian(content ^ place, at: 8)
  }

  /// The checksum a frame has after its bytes moved from one place to another; not for batches, whose
  /// head check moves too (see ``mendMoved(_:word:from:to:)``).
  public static func movedChecksum(
    _ head: FrameHead, word: UInt64, from old: (salt: UInt64, position: UInt64),
    to new: (salt: UInt64, position: UInt64)
  ) -> UInt64 {
    precondition(head.kind != .batch, "the head check of a batch moves with it")
    return head.checksum ^ FrameChecksum.place(salt: old.salt, position: old.position, word: word)
      ^ FrameChecksum.place(salt: new.salt, position: new.position, word: word)
  }
}

/// Reads frames out of the bytes of a segment, believing nothing.
public struct FrameReader: ~Escapable {
  /// The bytes of the segment from its first byte; frames end inside.
  public let segment: RawSpan
  /// The segment's salt.
  public let salt: UInt64
  /// Bounds for lengths and counts.
  public let limits: FormatLimits

  /// Makes a reader over a segment's bytes.
  @inlinable
  @_lifetime(copy segment)
  public init(_ segment: RawSpan, salt: UInt64, limits: FormatLimits) {
    self.segment = segment
    self.salt = salt
    self.limits = limits
  }

  /// Returns the frame that starts at a position.
  ///
  /// - Parameters:
  ///   - position: A multiple of 8 at or after the preamble.
  ///   - verifying: Whether the checksum is compared. Lengths are bounded in any case; the length of
  ///     a batch is believed only when its head check holds.
  /// - Throws: `.damaged(.frame, .empty)` where nothing was written, `.truncated` where the frame
  ///   would end behind the bytes, `.damaged` and `.newer` as their cases say.
  @inlinable
  @_lifetime(copy self)
  public func frame(at position: UInt64, verifying: Bool) throws(FormatError) -> Frame {
    guard position & 7 == 0, position >= UInt64(SegmentLayout.preambleByteCount),
      position <= UInt64(segment.byteCount),
      let word = segment.littleEndianUnsigned64(at: Int(position)),
      let checksum = segment.littleEndianUnsigned64(at: Int(position) &+ 8)
    else { throw Self.outside(position, segment.byteCount) }
    let head = FrameHead(word: word, checksum: checksum)
    let length = Int(head.length)
    guard length <= segment.byteCount &- Int(position), length >= FrameHead.byteCount else {
      throw Self.badLength(head, position, segment.byteCount)
    }
    let bytes = segment.extracting(Int(position)..<(Int(position) &+ length))
    let frame = Frame(head: head, position: position, bytes: bytes)
    if verifying { try verify(frame, word: word) } else { try Self.checkKind(head, limits) }
    return frame
  }

  /// Checks the kind and the bounds its length must keep.
  @usableFromInline
  static func checkKind(_ head: FrameHead, _ limits: FormatLimits) throws(FormatError) {
    guard let kind = head.kind else {
      if head.isSkippable { return }
      throw .newer(.frame, .kind)
    }
    let length = Int(head.length)
    guard length >= Frame.minimumByteCount(kind) else { throw .damaged(.frame, .length) }
    if kind == .control || kind == .commit, length != Frame.minimumByteCount(kind) {
      throw .damaged(.frame, .length)
    }
    guard length <= Frame.maximumByteCount(kind, limits) else {
      throw .overLimit(
        .frame, value: UInt64(length), limit: UInt64(Frame.maximumByteCount(kind, limits)))
    }
    if kind != .soloRecord && kind != .batch, !head.columns.isEmpty || head.flags != 0 {
      throw .damaged(.frame, .columns)
    }
  }

  /// Compares the checksum, then the kind: an unknown kind is *newer* only when it is intact.
  @usableFromInline
  func verify(_ frame: borrowing Frame, word: UInt64) throws(FormatError) {
    let head = frame.head
    let place = FrameChecksum.place(salt: salt, position: frame.position, word: word)
    let covered = Frame.coveredByteCount(head.kind, length: Int(head.length))
    if head.kind == .batch {
      guard frame.bytes.byteCount >= BatchLayout.headByteCount else {
        throw .damaged(.batch, .length)
      }
      try BatchHead.compareCheck(frame.bytes, place: place)
    }
    guard covered >= FrameHead.byteCount, covered <= frame.bytes.byteCount else {
      throw .damaged(.frame, .length)
    }
    let content = FrameChecksum.content(
      frame.bytes.extracting(FrameHead.byteCount..<covered))
    guard content ^ place == head.checksum else { throw .damaged(.frame, .checksum) }
    try Self.checkKind(head, limits)
    // Flags of an unknown kind mean what its version says; the frame is only stepped over.
    guard head.kind != nil else { return }
    if head.flags & 0x07 != 0 { throw .newer(.frame, .codec) }
    if head.flags != 0 { throw .newer(.frame, .reserved) }
  }

  @usableFromInline
  static func outside(_ position: UInt64, _ count: Int) -> FormatError {
    if position & 7 != 0 || position < UInt64(SegmentLayout.preambleByteCount) {
      return .damaged(.frame, .position)
    }
    let (needed, overflow) = position.addingReportingOverflow(UInt64(FrameHead.byteCount))
    return .truncated(.frame, needed: overflow ? .max : needed, available: UInt64(count))
  }

  @usableFromInline
  static func badLength(_ head: FrameHead, _ position: UInt64, _ count: Int) -> FormatError {
    if head.length == 0 { return .damaged(.frame, .empty) }
    if head.length < UInt32(FrameHead.byteCount) { return .damaged(.frame, .length) }
    return .truncated(
      .frame, needed: position + UInt64(head.length), available: UInt64(count))
  }
}

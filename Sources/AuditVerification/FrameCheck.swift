internal import ByteCoding
internal import LogFormat

/// Frames in a part of a segment's bytes. Believes nothing: lengths are bounded before they are used.
struct FrameCheck: ~Escapable {
  /// Bytes of the segment from ``start`` on.
  let bytes: RawSpan
  /// Position of the first of them in the segment.
  let start: UInt64
  let salt: UInt64
  /// Frames end at or before it.
  let limit: UInt64

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan, start: UInt64, salt: UInt64, limit: UInt64) {
    self.bytes = bytes
    (self.start, self.salt, self.limit) = (start, salt, limit)
  }

  /// What stands at a place.
  enum Found {
    /// A frame whose checksum holds; its bytes behind the ones that are covered may not be there.
    case intact(FrameHead)
    /// No intact frame.
    case damaged(FormatError)
    /// Intact, and not for this program.
    case refused(FormatError)
    /// More bytes are needed to tell: so many from the place on.
    case unknown(needed: Int)
  }

  /// The longest frame that is read as a whole.
  static let frameByteCountLimit = 80 << 20

  @inline(__always)
  func word(at place: Int) -> UInt64? { bytes.littleEndianUnsigned64(at: place) }

  /// Looks at a place.
  ///
  /// - Parameter place: Where in ``bytes``, a multiple of 8 in the segment.
  @inline(__always)
  func frame(at place: Int) -> Found {
    guard let word = word(at: place), let checksum = self.word(at: place + 8) else {
      return roomLeft(from: place) < UInt64(FrameHead.byteCount)
        ? .damaged(.truncated(.frame, needed: start + UInt64(place) + 16, available: limit))
        : .unknown(needed: FrameHead.byteCount)
    }
    let head = FrameHead(word: word, checksum: checksum)
    let length = Int(head.length)
    if head.kind == .soloRecord, length <= bytes.byteCount - place, length >= 32 {
      let frame = bytes.extracting(place..<(place + length))
      let content = FrameChecksum.content(
        frame.extracting(FrameHead.byteCount..<length))
      let mark = FrameChecksum.place(salt: salt, position: start + UInt64(place), word: word)
      if content ^ mark == checksum, UInt64(length) <= roomLeft(from: place), head.flags == 0 {
        return .intact(head)
      }
    }
    return slowly(head, word, at: place)
  }

  private func roomLeft(from place: Int) -> UInt64 {
    let position = start + UInt64(place)
    return limit > position ? limit - position : 0
  }

  private func slowly(_ head: FrameHead, _ word: UInt64, at place: Int) -> Found {
    let length = Int(head.length)
    guard length != 0 else { return .damaged(.damaged(.frame, .empty)) }
    let least = head.kind.map(Frame.minimumByteCount) ?? FrameHead.byteCount
    guard length >= FrameHead.byteCount else { return .damaged(.damaged(.frame, .length)) }
    guard UInt64(length) <= roomLeft(from: place) else {
      return .damaged(
        .truncated(
          .frame, needed: start + UInt64(place) + UInt64(length), available: limit))
    }
    guard length >= least else { return .damaged(.damaged(.frame, .length)) }
    let covered = Frame.coveredByteCount(head.kind, length: length)
    let mark = FrameChecksum.place(salt: salt, position: start + UInt64(place), word: word)
    if head.kind == .batch {
      guard let front = bytes.bytes(at: place, count: BatchLayout.headByteCount) else {
        return .unknown(needed: BatchLayout.headByteCount)
      }
      do throws(FormatError) { _ = try BatchHead(front, place: mark) } catch {
        return .damaged(error)
      }
    }
    guard covered <= Self.frameByteCountLimit else {
      return .refused(
        .overLimit(.frame, value: UInt64(covered), limit: UInt64(Self.frameByteCountLimit)))
    }
    guard let frame = bytes.bytes(at: place, count: covered) else {
      return .unknown(needed: covered)
    }
    let content = FrameChecksum.content(frame.extracting(FrameHead.byteCount..<covered))
    guard content ^ mark == head.checksum else { return .damaged(.damaged(.frame, .checksum)) }
    return judge(head)
  }

  /// Judges an intact frame by its kind, flags and columns.
  private func judge(_ head: FrameHead) -> Found {
    guard let kind = head.kind else {
      return head.isSkippable ? .intact(head) : .refused(.newer(.frame, .kind))
    }
    if kind == .control || kind == .commit, Int(head.length) != Frame.minimumByteCount(kind) {
      return .damaged(.damaged(.frame, .length))
    }
    if kind != .soloRecord, kind != .batch, !head.columns.isEmpty || head.flags != 0 {
      return .damaged(.damaged(.frame, .columns))
    }
    return head.flags == 0 ? .intact(head) : .refused(.newer(.frame, .codec))
  }

  /// The next place behind one where an intact frame stands; `nil` when these bytes have none.
  ///
  /// - Parameter budget: Bytes that may be hashed in vain.
  func nextIntact(after place: Int, budget: inout Int) -> Int? {
    var next = place + 8
    while next + FrameHead.byteCount <= bytes.byteCount {
      defer { next += 8 }
      guard let word = word(at: next) else { return nil }
      let head = FrameHead(word: word, checksum: 0)
      guard head.kind != nil || head.isSkippable, head.length >= UInt32(FrameHead.byteCount),
        UInt64(head.length) <= roomLeft(from: next)
      else { continue }
      let covered = Frame.coveredByteCount(head.kind, length: Int(head.length))
      // A batch's head is checked before its body, and commit frames are short.
      let cost = head.kind == .commit || head.kind == .batch ? 0 : covered
      guard cost <= budget else { continue }
      if case .intact = frame(at: next) { return next }
      budget -= cost
    }
    return nil
  }
}

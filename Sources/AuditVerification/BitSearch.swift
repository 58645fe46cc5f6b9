internal import ByteCoding
internal import LogFormat

/// Looks for the one bit that makes bytes fit their checksum again.
///
/// What is tried is bounded by bytes that may be hashed, not by time, so that the answer is always the same.
struct BitSearch {
  /// A bit that was flipped.
  struct Flip: Hashable, Sendable {
    /// Byte behind the first of the structure.
    var byte: Int
    var bit: Int
  }

  /// Bytes of hashing that one search may take: frames up to 1 MiB are searched as a whole.
  static let searchByteCount = 36 << 30
  /// Bytes of hashing that are left for all searches of an audit.
  var allowance = 72 << 30
  /// Whether every bit was tried by the last search of a frame that found none.
  private(set) var wasExhaustive = false

  /// Searches a structure whose checksum is compared by a function.
  ///
  /// - Parameters:
  ///   - bytes: The structure; the bit is changed back in it when it is found.
  ///   - range: Bytes that may have changed.
  ///   - cost: Bytes that a comparison hashes.
  ///   - holds: Whether the structure is intact.
  mutating func search(
    _ bytes: inout [UInt8], in range: Range<Int>, cost: Int, _ holds: ([UInt8]) -> Bool
  ) -> Flip? {
    for byte in range {
      for bit in 0..<8 {
        guard allowance >= cost else {
          wasExhaustive = false
          return nil
        }
        allowance -= cost
        bytes[byte] ^= 1 << UInt8(bit)
        if holds(bytes) { return Flip(byte: byte, bit: bit) }
        bytes[byte] ^= 1 << UInt8(bit)
      }
    }
    return nil
  }

  /// Searches a frame.
  ///
  /// - Parameters:
  ///   - bytes: Those from where the frame should stand; changed to what they were.
  ///   - position: Where in the segment.
  ///   - salt: The segment's.
  /// - Returns: The bit; `nil` when there is none, or looking for it would take too long.
  mutating func searchFrame(_ bytes: inout [UInt8], at position: UInt64, salt: UInt64) -> Flip? {
    let room = bytes.count
    wasExhaustive = false
    guard room >= FrameHead.byteCount else { return nil }
    wasExhaustive = true
    let limit = position + UInt64(room)
    func holds(_ bytes: [UInt8]) -> Bool {
      let check = FrameCheck(bytes.rawSpan, start: position, salt: salt, limit: limit)
      if case .intact = check.frame(at: 0) { return true }
      return false
    }
    // The head: another length, kind or checksum. A comparison hashes what the length then says.
    for byte in 0..<FrameHead.byteCount {
      for bit in 0..<8 {
        bytes[byte] ^= 1 << UInt8(bit)
        let cost = min(room, Int(bytes.rawSpan.littleEndianUnsigned32(at: 0) ?? 0))
        if allowance >= cost {
          allowance -= cost
          if holds(bytes) { return Flip(byte: byte, bit: bit) }
        } else {
          wasExhaustive = false
        }
        bytes[byte] ^= 1 << UInt8(bit)
      }
    }
    guard let head = FrameHead(bytes.rawSpan, at: 0), Int(head.length) <= room,
      head.length >= UInt32(FrameHead.byteCount)
    else { return nil }
    let covered = Frame.coveredByteCount(head.kind, length: Int(head.length))
    guard covered <= room else { return nil }
    var range = FrameHead.byteCount..<covered
    var cost = covered
    if head.kind == .batch, covered >= BatchLayout.headByteCount {
      let word = bytes.rawSpan.littleEndianUnsigned64(at: 0) ?? 0
      let place = FrameChecksum.place(salt: salt, position: position, word: word)
      // The head check covers the head and not itself: it tells where the bit is.
      if (try? BatchHead(bytes.rawSpan, place: place)) == nil {
        range = FrameHead.byteCount..<BatchLayout.headByteCount
        cost = BatchLayout.headByteCount
      } else {
        range = BatchLayout.headByteCount..<covered
      }
    }
    let content = FrameHead.byteCount..<covered
    guard cost == covered, content.count >= FrameChecksum.mendingMinimum else {
      return search(&bytes, in: range, cost: cost, holds)
    }
    let word = bytes.rawSpan.littleEndianUnsigned64(at: 0) ?? 0
    let place = FrameChecksum.place(salt: salt, position: position, word: word)
    return searchContent(&bytes, content, wanted: head.checksum ^ place, in: range, holds)
  }

  /// Searches a segment's header.
  ///
  /// - Parameters:
  ///   - bytes: The header; the bit is changed back in it when it is found.
  ///   - position: Where in the segment.
  mutating func searchHeader(_ bytes: inout [UInt8], at position: UInt64) -> Flip? {
    func holds(_ bytes: [UInt8]) -> Bool {
      (try? SegmentHeader(bytes.rawSpan, at: position)) != nil
    }
    let content = 0..<SegmentHeader.checksumPosition
    guard bytes.count == SegmentHeader.byteCount,
      let salt = bytes.rawSpan.littleEndianUnsigned64(at: SegmentHeader.saltPosition),
      let checksum = bytes.rawSpan.littleEndianUnsigned64(at: content.upperBound)
    else { return nil }
    let place = FrameChecksum.place(
      salt: salt, position: position, word: UInt64(content.upperBound))
    let wanted = checksum ^ place
    if let flip = searchContent(&bytes, content, wanted: wanted, in: content, holds) { return flip }
    // These say what is wanted.
    for start in [SegmentHeader.saltPosition, SegmentHeader.checksumPosition] {
      if let flip = search(&bytes, in: start..<(start + 8), cost: bytes.count, holds) {
        return flip
      }
    }
    return nil
  }

  /// Searches what a checksum is of.
  private mutating func searchContent(
    _ bytes: inout [UInt8], _ content: Range<Int>, wanted: UInt64, in range: Range<Int>,
    _ holds: ([UInt8]) -> Bool
  ) -> Flip? {
    // For each bit two numbers are taken through the blocks of 1 KiB behind it, or half of them: as long as hashing
    // four bytes takes each.
    let cost = content.count / 8 * (range.count / 4)
    guard cost <= min(allowance, Self.searchByteCount) else {
      wasExhaustive = false
      return nil
    }
    allowance -= cost
    guard let found = FrameChecksum.mend(&bytes, content: content, wanted: wanted, in: range)
    else { return nil }
    if holds(bytes) { return Flip(byte: found.byte, bit: found.bit) }
    bytes[found.byte] ^= 1 << UInt8(found.bit)
    return nil
  }
}

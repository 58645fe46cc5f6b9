import ByteCoding
import LogFormat

/// Changes fields of encoded structures and mends the checksums above them, so that hostile values
/// reach the code behind the checksum.
public enum Forge {
  /// What the bytes are, with what their checksums depend on.
  public enum Structure: Sendable {
    /// A frame alone, which stands at `position` of a segment with this salt.
    case frame(salt: UInt64, position: UInt64)
    /// A segment header; its salt is read from its bytes.
    case header(position: UInt64)
    case slot(salt: UInt64, position: UInt64)
    case superblock(position: UInt64)
    /// The 64 bytes of a trailer; salt and position are read from its bytes.
    case trailer
    /// Bytes without a checksum of their own.
    case plain
  }

  /// Returns a copy whose field of `size` bytes at `position` holds `value`, checksums mended.
  public static func changed(
    _ bytes: [UInt8], _ structure: Structure, at position: Int, size: Int, to value: UInt64
  ) -> [UInt8] {
    var copy = bytes
    store(value, size: size, at: position, in: &copy)
    mend(&copy, structure)
    return copy
  }

  /// Changes a field of the frame at `framePosition` within a whole segment.
  public static func changeFrame(
    in segment: inout [UInt8], at framePosition: Int, salt: UInt64, field: Int, size: Int,
    to value: UInt64
  ) {
    store(value, size: size, at: framePosition + field, in: &segment)
    var frame = Array(segment[framePosition...])
    mend(&frame, .frame(salt: salt, position: UInt64(framePosition)))
    segment.replaceSubrange(framePosition..., with: frame)
  }

  /// Mends every checksum of a structure, innermost first.
  public static func mend(_ bytes: inout [UInt8], _ structure: Structure) {
    switch structure {
    case .frame(let salt, let position): mendFrame(&bytes, salt: salt, position: position)
    case .header(let position):
      guard bytes.count >= 4_096 else { return }
      placed(&bytes, count: 4_088, salt: word(bytes, at: 88), position: position)
    case .slot(let salt, let position):
      guard bytes.count >= 512 else { return }
      placed(&bytes, count: 504, salt: salt, position: position)
    case .superblock(let position):
      guard bytes.count >= 512 else { return }
      placed(&bytes, count: 504, salt: SuperBlock.magic, position: position)
    case .trailer: mendTrailer(&bytes, at: 0)
    case .plain: return
    }
  }

  private static func mendFrame(_ bytes: inout [UInt8], salt: UInt64, position: UInt64) {
    guard bytes.count >= 16 else { return }
    let first = word(bytes, at: 0)
    let kind = UInt8(truncatingIfNeeded: first >> 32)
    // A length beyond the bytes cannot be covered; what is there is.
    let length = min(bytes.count, max(16, Int(UInt32(truncatingIfNeeded: first))))
    let place = FrameChecksum.place(salt: salt, position: position, word: first)
    if kind == FrameKind.seal.rawValue, length >= 192 { mendTrailer(&bytes, at: length - 64) }
    if kind == FrameKind.batch.rawValue, length >= 64 {
      let content = FrameChecksum.content(bytes.rawSpan.extracting(16..<60))
      store((content ^ place) & 0xffff_ffff, size: 4, at: 60, in: &bytes)
    }
    let covered =
      switch kind {
      case FrameKind.padding.rawValue: 16
      case FrameKind.gap.rawValue: min(32, length)
      default: length
      }
    let content = FrameChecksum.content(bytes.rawSpan.extracting(16..<covered))
    store(content ^ place, size: 8, at: 8, in: &bytes)
  }

  private static func mendTrailer(_ bytes: inout [UInt8], at start: Int) {
    guard bytes.count >= start + 64 else { return }
    let checksum = PlacedChecksum.value(
      bytes.rawSpan.extracting(start..<(start + 56)), salt: word(bytes, at: start + 8),
      position: word(bytes, at: start + 24))
    store(checksum, size: 8, at: start + 56, in: &bytes)
  }

  private static func placed(
    _ bytes: inout [UInt8], count: Int, salt: UInt64, position: UInt64
  ) {
    let checksum = PlacedChecksum.value(
      bytes.rawSpan.extracting(0..<count), salt: salt, position: position)
    store(checksum, size: 8, at: count, in: &bytes)
  }

  /// The 64-bit number at a position; 0 behind the end.
  public static func word(_ bytes: [UInt8], at position: Int) -> UInt64 {
    bytes.rawSpan.littleEndianUnsigned64(at: position) ?? 0
  }

  /// Stores the low `size` bytes of a number; bytes behind the end are left out.
  public static func store(_ value: UInt64, size: Int, at position: Int, in bytes: inout [UInt8]) {
    for index in 0..<size where position + index < bytes.count {
      bytes[position + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
    }
  }
}

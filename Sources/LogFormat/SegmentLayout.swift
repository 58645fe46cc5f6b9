/// Where the fixed parts of a segment file lie.
public enum SegmentLayout {
  /// Bytes before the first frame: four pages.
  public static let preambleByteCount = 16_384
  /// Size of one page of the preamble.
  public static let pageByteCount = 4_096
  /// The header and its copy.
  public static let headerPositions: [UInt64] = [0, 12_288]
  /// The two recovery slots, written alternately.
  public static let slotPositions: [UInt64] = [4_096, 8_192]
  /// Every frame starts at a multiple of this.
  public static let frameAlignment = 8

  /// Counters that are raised by one (generations, epochs, sequences) stay below this.
  static let counterLimit: UInt64 = 1 << 63
  /// Sizes of segment files stay below this.
  static let byteCountLimit: UInt64 = 1 << 48

  /// Whether a frame may start at a position, as far as the position alone tells.
  static func isFramePosition(_ position: UInt64) -> Bool {
    position >= UInt64(preambleByteCount) && position % UInt64(frameAlignment) == 0
  }

  /// Whether a back link is 0 (for none) or leads to a possible frame before `position`.
  static func isBackLink(_ link: UInt64, before position: UInt64) -> Bool {
    link == 0 || (isFramePosition(link) && link < position)
  }

  /// The next frame boundary at or after a position or length; wraps never for file sizes.
  @inlinable
  public static func aligned(_ byteCount: Int) -> Int { (byteCount &+ 7) & ~7 }
}

/// The name of a resource of a tiled log (C2SP tlog-tiles): a tile of hashes, or a bundle of entries.
///
/// Tile `index` of level L holds, for i in 0..<256, the roots of the complete subtrees of height 8 L that
/// begin at leaf `(256 * index + i) << (8 * L)`.
public struct TilePath: Hashable, Sendable {
  /// What a resource holds.
  public enum Kind: Hashable, Sendable {
    /// Hashes of a level in `0...63`.
    case hashes(level: Int)
    /// The data of leaves.
    case entries
  }

  /// Hashes of a full tile, or entries of a full bundle.
  public static let fullWidth = 256

  /// What it holds.
  public let kind: Kind
  /// Its place among those of its kind and level.
  public let index: UInt64
  /// Hashes or entries in it, in `1...256`; less than 256 for the last one only.
  public let width: Int

  /// A name; `nil` when level or width are out of range.
  public init?(_ kind: Kind, index: UInt64, width: Int = fullWidth) {
    guard (1...Self.fullWidth).contains(width) else { return nil }
    if case .hashes(let level) = kind, !(0...63).contains(level) { return nil }
    (self.kind, self.index, self.width) = (kind, index, width)
  }

  /// Whether nothing is missing from it.
  public var isFull: Bool { width == Self.fullWidth }

  /// The path below the log's prefix, as in `tile/0/x001/x234/067.p/8`.
  public var text: String {
    var groups: [String] = []
    var rest = index
    repeat {
      let digits = String(rest % 1_000)
      groups.append(String(repeating: "0", count: 3 - digits.count) + digits)
      rest /= 1_000
    } while rest > 0
    let last = groups.removeFirst()
    let number = groups.reversed().map { "x\($0)/" }.joined() + last
    let level =
      switch kind {
      case .hashes(let level): String(level)
      case .entries: "entries"
      }
    return "tile/\(level)/\(number)\(isFull ? "" : ".p/\(width)")"
  }

  /// The resource that a path names; `nil` unless it is written exactly as ``text`` writes it.
  public init?(_ text: String) {
    var parts = text.utf8.split(separator: 0x2f, omittingEmptySubsequences: false)[...]
    guard parts.count >= 3, parts.count <= 12,
      parts.popFirst().map(Array.init) == Array("tile".utf8),
      let level = parts.popFirst()
    else { return nil }
    let kind: Kind
    if level.elementsEqual("entries".utf8) {
      kind = .entries
    } else {
      guard level.count <= 2, let number = Self.number(level) else { return nil }
      kind = .hashes(level: Int(number))
    }
    var width = Self.fullWidth
    if parts.count >= 2, parts[parts.endIndex - 2].suffix(2).elementsEqual(".p".utf8) {
      guard let last = parts.popLast(), last.count <= 3, let number = Self.number(last) else {
        return nil
      }
      width = Int(number)
      parts[parts.endIndex - 1] = parts[parts.endIndex - 1].dropLast(2)
    }
    var index: UInt64 = 0
    for (place, group) in parts.enumerated() {
      let isLast = place == parts.count - 1
      let digits = isLast ? group : group.dropFirst()
      guard isLast || group.first == 0x78, digits.count == 3, let number = Self.digits(digits)
      else { return nil }
      let (product, isTooLarge) = index.multipliedReportingOverflow(by: 1_000)
      let (sum, isOver) = product.addingReportingOverflow(number)
      guard !isTooLarge, !isOver else { return nil }
      index = sum
    }
    self.init(kind, index: index, width: width)
    // Leading groups of zeros and widths of 256 are other names of the same thing.
    guard self.text.utf8.elementsEqual(text.utf8) else { return nil }
  }

  private static func digits(_ text: some Sequence<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for character in text {
      guard (0x30...0x39).contains(character) else { return nil }
      number = number * 10 + UInt64(character - 0x30)
    }
    return number
  }

  private static func number(_ text: some Collection<UInt8>) -> UInt64? {
    guard !text.isEmpty, text.count == 1 || text.first != 0x30 else { return nil }
    return digits(text)
  }

  // MARK: A whole log

  /// Tiles of one level that a tree of some size has.
  ///
  /// - Returns: The number of full tiles, and the width of the one behind them; 0 for none.
  public static func tileCount(level: Int, size: UInt64) -> (full: UInt64, partialWidth: Int) {
    let hashes = level >= 8 ? 0 : size >> UInt64(8 * level)
    return (hashes / UInt64(fullWidth), Int(hashes % UInt64(fullWidth)))
  }
}

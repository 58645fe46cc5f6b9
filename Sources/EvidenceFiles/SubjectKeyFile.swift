internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import PlatformIO

/// The bytes of a subject's key on the disk: three sectors.
///
/// | position | size | sector |
/// | ---: | ---: | --- |
/// | 0 | 512 | `PRSK`: a copy of the wrapped key; or zeros |
/// | 512 | 512 | another, while the key is brought under another master key; or zeros |
/// | 1024 | 512 | `PRSE`: the subject was erased; or zeros |
///
/// The body of a copy is its number (8 bytes, little-endian), the higher the later, and the wrapped key. The
/// body of the mark of erasure is a code that only this store can make for this subject. The key is
/// overwritten where it lies and the file never moves, so no copy stays behind in blocks that the file system
/// took back. That holds on disks that write in place: on flash, and where blocks are copied on write, old
/// blocks may outlive it until the master key is replaced and destroyed.
struct SubjectKeyFile {
  static let byteCount = 3 * Sector.byteCount
  static let markPosition = UInt64(2 * Sector.byteCount)

  private static let copyMagic = "PRSK"
  private static let markMagic = "PRSE"
  private static let copyByteCount = 8 + WrappedKey.byteCount

  /// A wrapped key and where it stands.
  struct Copy {
    let slot: Int
    let number: UInt64
    let key: WrappedKey

    var position: UInt64 { UInt64(slot * Sector.byteCount) }
    /// Where a later copy may be written without touching this one.
    var otherPosition: UInt64 { UInt64((1 - slot) * Sector.byteCount) }
  }

  /// Copies that are whole, latest first.
  let copies: [Copy]
  /// Whether both places of copies are zeros.
  let hasNoKeyBytes: Bool
  /// Whether the mark of erasure stands there; one that is torn or damaged does not.
  let isErased: Bool

  /// Reads a file; `nil` when it has another size.
  ///
  /// - Parameters:
  ///   - bytes: All bytes of the file.
  ///   - code: The body of this subject's mark of erasure.
  init?(_ bytes: [UInt8], erasureCode code: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    var copies: [Copy] = []
    for slot in 0..<2 {
      let sector = Array(bytes[slot * Sector.byteCount..<(slot + 1) * Sector.byteCount])
      guard
        let body = Sector.body(
          Self.copyMagic, byteCount: Self.copyByteCount, in: sector.rawSpan),
        let number = body.rawSpan.littleEndianUnsigned64(at: 0),
        let key = try? WrappedKey(body.rawSpan.extracting(8..<Self.copyByteCount))
      else { continue }
      copies.append(Copy(slot: slot, number: number, key: key))
    }
    self.copies = copies.sorted { $0.number > $1.number }
    hasNoKeyBytes = bytes.rawSpan.extracting(0..<Int(Self.markPosition)).isAllZero
    let mark = bytes.rawSpan.extracting(Int(Self.markPosition)..<Self.byteCount)
    isErased = Sector.body(Self.markMagic, byteCount: code.count, in: mark) == code
  }

  /// The sector of a copy.
  static func copy(_ key: WrappedKey, number: UInt64) -> [UInt8] {
    var body: [UInt8] = []
    body.appendLittleEndian(number)
    return Sector.encoded(copyMagic, body + key.encoded)
  }

  /// The sector of a mark of erasure.
  static func mark(_ code: [UInt8]) -> [UInt8] { Sector.encoded(markMagic, code) }

  /// A file with one key.
  static func fresh(_ key: WrappedKey) -> [UInt8] {
    copy(key, number: 1) + Sector.zeros + Sector.zeros
  }

  /// A file of a subject that was erased.
  static func erased(_ code: [UInt8]) -> [UInt8] { Sector.zeros + Sector.zeros + mark(code) }
}

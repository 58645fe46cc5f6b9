internal import ByteCoding
public import Cryptography

/// What a log states about itself (C2SP tlog-checkpoint): its origin, size and root.
public struct Checkpoint: Hashable, Sendable {
  /// Largest size that is read: other programs keep sizes in signed numbers of 64 bits.
  public static let sizeLimit = UInt64(Int64.max)

  /// Which log; UTF-8, not empty, one line.
  public let origin: [UInt8]
  /// Leaves of the tree.
  public let size: UInt64
  /// The tree's root.
  public let root: Digest
  /// Further lines, without newlines; not recommended, and not covered by every cosignature.
  public let extensions: [[UInt8]]

  /// A checkpoint.
  ///
  /// - Throws: ``NoteError/checkpoint(_:)`` for an origin or extension that is not one line of text.
  public init(origin: String, size: UInt64, root: Digest, extensions: [[UInt8]] = [])
    throws(NoteError)
  {
    let lines = [Array(origin.utf8)] + extensions
    guard lines.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0 >= 0x20 } }) else {
      throw .checkpoint(.form)
    }
    self.origin = Array(origin.utf8)
    (self.size, self.root, self.extensions) = (size, root, extensions)
  }

  /// Reads the text of a note.
  ///
  /// - Throws: ``NoteError/checkpoint(_:)``.
  public init(text: [UInt8]) throws(NoteError) {
    guard text.last == 0x0a else { throw .checkpoint(.form) }
    let lines = text.dropLast().split(separator: 0x0a, omittingEmptySubsequences: false)
    guard lines.count >= 3 else { throw .checkpoint(.form) }
    guard !lines[0].isEmpty else { throw .checkpoint(.origin) }
    guard let size = Self.number(lines[1]), size <= Self.sizeLimit else { throw .checkpoint(.size) }
    guard let bytes = Base64.decoded(lines[2]), let root = Digest(bytes) else {
      throw .checkpoint(.root)
    }
    guard lines.dropFirst(3).allSatisfy({ !$0.isEmpty }) else { throw .checkpoint(.form) }
    origin = Array(lines[0])
    (self.size, self.root) = (size, root)
    extensions = lines.dropFirst(3).map { Array($0) }
  }

  /// A decimal number without zeros in front.
  static func number(_ text: some Collection<UInt8>) -> UInt64? {
    guard !text.isEmpty, text.count == 1 || text.first != 0x30 else { return nil }
    var number: UInt64 = 0
    for character in text {
      guard (0x30...0x39).contains(character) else { return nil }
      let (product, isTooLarge) = number.multipliedReportingOverflow(by: 10)
      let (sum, isOver) = product.addingReportingOverflow(UInt64(character - 0x30))
      guard !isTooLarge, !isOver else { return nil }
      number = sum
    }
    return number
  }

  /// The text that is signed.
  public var text: [UInt8] {
    let lines = [origin, Array(String(size).utf8), Base64.encoded(root.bytes)] + extensions
    return lines.flatMap { $0 + [0x0a] }
  }

  /// Reads a signed checkpoint of a log.
  ///
  /// Origin and keys come from the caller alone: what a log says of itself proves nothing.
  ///
  /// - Throws: ``NoteError``.
  public static func verified(_ note: SignedNote, origin: String, keys: [NoteVerifierKey])
    throws(NoteError) -> Checkpoint
  {
    _ = try note.verified(by: keys)
    let checkpoint = try Checkpoint(text: note.text)
    guard checkpoint.origin == Array(origin.utf8) else {
      throw .origin(expected: origin, found: String(decoding: checkpoint.origin, as: UTF8.self))
    }
    return checkpoint
  }
}

extension Checkpoint {
  /// The origin of a stream: that of its store, `/streams/`, and the name with bytes other than ASCII
  /// letters, digits and `-._~` written as `%` and two hexadecimal digits.
  public static func origin(of stream: String, in store: String) -> String {
    var name = ""
    for byte in stream.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
        name.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        name += "%" + (digits.utf8.count == 1 ? "0" : "") + digits
      }
    }
    return "\(store)/streams/\(name)"
  }
}

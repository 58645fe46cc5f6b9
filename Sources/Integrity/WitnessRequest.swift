internal import ByteCoding
public import Cryptography

/// A request to cosign a checkpoint (C2SP tlog-witness, add-checkpoint): the size that the witness is
/// thought to have seen, the proof that the checkpoint goes on from there, and the checkpoint.
public struct WitnessRequest: Hashable, Sendable {
  /// Most hashes of a proof.
  public static let pathCountLimit = 63
  /// Largest request that is read, in bytes.
  public static let byteCountLimit = 64 << 10

  /// The size cosigned last, as the sender knows it; 0 for none.
  public let oldSize: UInt64
  /// The consistency proof; empty when there is nothing to prove.
  public let path: [Digest]
  /// The checkpoint, with the log's signature.
  public let note: SignedNote

  /// A request.
  public init(oldSize: UInt64, path: [Digest], note: SignedNote) {
    (self.oldSize, self.path, self.note) = (oldSize, path, note)
  }

  /// Reads a request.
  ///
  /// - Throws: ``NoteError``: `.request` with the line, `.note`.
  public init(_ bytes: [UInt8]) throws(NoteError) {
    guard bytes.count <= Self.byteCountLimit else { throw .note(.tooLarge) }
    var lines = LineReader(bytes)
    guard let first = lines.next(), first.starts(with: Array("old ".utf8)),
      let oldSize = Checkpoint.number(first.dropFirst(4)), oldSize <= Checkpoint.sizeLimit
    else { throw .request(line: lines.number) }
    var path: [Digest] = []
    while true {
      guard let line = lines.next() else { throw .request(line: lines.number) }
      if line.isEmpty { break }
      guard path.count < Self.pathCountLimit, let hash = Base64.decoded(line),
        let digest = Digest(hash)
      else { throw .request(line: lines.number) }
      path.append(digest)
    }
    self.init(oldSize: oldSize, path: path, note: try SignedNote(Array(lines.rest)))
  }

  /// The request as it is sent.
  public var encoded: [UInt8] {
    var bytes = Array("old \(oldSize)\n".utf8)
    for hash in path { bytes += Base64.encoded(hash.bytes) + [0x0a] }
    return bytes + [0x0a] + note.encoded
  }
}

/// Lines of some bytes, counted, up to where something else takes over.
struct LineReader {
  /// What was not read yet.
  private(set) var rest: ArraySlice<UInt8>
  /// The number of the line read last, from 1.
  private(set) var number = 0

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  /// The next line without its newline; `nil` when there is none with a newline.
  mutating func next() -> ArraySlice<UInt8>? {
    number += 1
    guard let end = rest.firstIndex(of: 0x0a) else { return nil }
    defer { rest = rest[(end + 1)...] }
    return rest[..<end]
  }
}

internal import ByteCoding
public import Cryptography

/// The proof that a record is in a log, in one file (C2SP tlog-proof, suffix `.tlog-proof`).
public struct ProofFile: Hashable, Sendable {
  /// The first line.
  static let header = Array("c2sp.org/tlog-proof@v1".utf8)
  /// Largest file that is read, in bytes.
  public static let byteCountLimit = 1 << 20

  /// Bytes for whoever reads it; nothing vouches for them.
  public let extra: [UInt8]?
  /// Index of the leaf.
  public let index: UInt64
  /// Hashes of the neighbours on the way up, the leaf's own first.
  public let path: [Digest]
  /// The checkpoint with all its signatures.
  public let note: SignedNote

  /// A proof.
  public init(index: UInt64, path: [Digest], note: SignedNote, extra: [UInt8]? = nil) {
    (self.index, self.path, self.note, self.extra) = (index, path, note, extra)
  }

  /// Reads a file. Nothing is verified yet.
  ///
  /// - Throws: ``NoteError``: `.proofFile`, `.note`.
  public init(_ bytes: [UInt8]) throws(NoteError) {
    guard bytes.count <= Self.byteCountLimit else { throw .note(.tooLarge) }
    var lines = LineReader(bytes)
    func next() throws(NoteError) -> ArraySlice<UInt8> {
      guard let line = lines.next() else { throw .proofFile(line: lines.number) }
      return line
    }
    guard try next().elementsEqual(Self.header) else { throw .proofFile(line: lines.number) }
    var line = try next()
    var extra: [UInt8]?
    if let value = Self.value(of: "extra", line) {
      guard let decoded = Base64.decoded(value) else { throw .proofFile(line: lines.number) }
      extra = decoded
      line = try next()
    }
    guard let value = Self.value(of: "index", line), let index = Checkpoint.number(value),
      index < Checkpoint.sizeLimit
    else { throw .proofFile(line: lines.number) }
    var path: [Digest] = []
    line = try next()
    while !line.isEmpty {
      guard path.count < 63, let bytes = Base64.decoded(line), let hash = Digest(bytes) else {
        throw .proofFile(line: lines.number)
      }
      path.append(hash)
      line = try next()
    }
    self.init(index: index, path: path, note: try SignedNote(Array(lines.rest)), extra: extra)
  }

  private static func value(of name: String, _ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let prefix = Array("\(name) ".utf8)
    return line.starts(with: prefix) ? line.dropFirst(prefix.count) : nil
  }

  /// The file.
  public var encoded: [UInt8] {
    var bytes = Self.header + [0x0a]
    if let extra { bytes += Array("extra ".utf8) + Base64.encoded(extra) + [0x0a] }
    bytes += Array("index \(index)\n".utf8)
    for hash in path { bytes += Base64.encoded(hash.bytes) + [0x0a] }
    return bytes + [0x0a] + note.encoded
  }

  /// Checks that a leaf is in a log: origin and signature first, then the path.
  ///
  /// - Parameters:
  ///   - leaf: The leaf's hash.
  ///   - origin: The log, as the caller knows it.
  ///   - keys: Keys of the log.
  ///   - policy: What witnesses must have seen it; `nil` for none.
  /// - Returns: The checkpoint that the leaf is in.
  /// - Throws: ``Failure``.
  @discardableResult
  public func verify(
    leaf: Digest, origin: String, keys: [NoteVerifierKey], policy: WitnessPolicy? = nil
  ) throws(Failure) -> Checkpoint {
    let checkpoint: Checkpoint
    let hasQuorum: Bool
    do throws(NoteError) {
      checkpoint = try Checkpoint.verified(note, origin: origin, keys: keys)
      hasQuorum = try policy?.isSatisfied(by: note) ?? true
    } catch {
      throw .note(error)
    }
    guard hasQuorum else { throw .quorum }
    do throws(ProofError) {
      try InclusionProof(index: index, size: checkpoint.size, path: path)
        .verify(leaf: leaf, root: checkpoint.root)
    } catch {
      throw .proof(error)
    }
    return checkpoint
  }

  /// Why a proof file does not prove what it should.
  public enum Failure: Error, Hashable, Sendable {
    /// The checkpoint is not to be believed.
    case note(NoteError)
    /// Too few witnesses have seen the checkpoint.
    case quorum
    /// The path does not lead from the leaf to the checkpoint's root.
    case proof(ProofError)
  }
}

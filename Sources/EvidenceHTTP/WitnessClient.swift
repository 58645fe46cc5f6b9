public import Cryptography
public import Integrity
internal import PlatformIO

/// Asks one witness for cosignatures over HTTP (C2SP tlog-witness).
///
/// It remembers nothing: what the witness has seen is learnt from its answers. Each call waits for the
/// network on the thread it is made on: never make it on a thread of Swift's shared pool.
public struct WitnessClient: Sendable {
  /// Proves that a tree goes on from an earlier size.
  ///
  /// It gets the earlier size and the size, and returns the hashes of the consistency proof.
  public typealias ProofSource = @Sendable (_ oldSize: UInt64, _ size: UInt64) throws -> [Digest]

  /// Largest body of an answer, in bytes.
  public static let answerByteCountLimit = 64 << 10

  /// The base URL, without a slash at its end.
  public let url: String
  /// What the cosignatures are verified with.
  public let key: NoteVerifierKey
  /// How long a call may take in all, in milliseconds.
  public let timeoutMilliseconds: UInt32

  /// A witness.
  ///
  /// - Parameters:
  ///   - url: The base URL, as `https://witness.example/prefix`.
  ///   - key: The witness's key.
  ///   - timeoutMilliseconds: How long a call may take in all.
  /// - Throws: ``WitnessError``: `.url`, `.key`.
  public init(url: String, key: NoteVerifierKey, timeoutMilliseconds: UInt32 = 10_000)
    throws(WitnessError)
  {
    guard let base = Self.base(url) else { throw WitnessError(url, .url) }
    guard key.kind == .ed25519Cosignature else { throw WitnessError(url, .key(key.name)) }
    self.url = base
    self.key = key
    self.timeoutMilliseconds = timeoutMilliseconds
  }

  /// The URL without slashes at its end; `nil` when paths cannot be added to it.
  private static func base(_ url: String) -> String? {
    let bytes = Array(url.utf8)
    let schemes = ["http://", "https://"].map { Array($0.utf8) }
    guard let scheme = schemes.first(where: { bytes.starts(with: $0) }) else { return nil }
    let isPlain = bytes.allSatisfy { (0x21...0x7e).contains($0) && !"?#@\\".utf8.contains($0) }
    guard isPlain, bytes.count <= 2_000 else { return nil }
    var rest = bytes.dropFirst(scheme.count)
    while rest.last == UInt8(ascii: "/") { rest.removeLast() }
    guard let first = rest.first, first != UInt8(ascii: "/") else { return nil }
    return String(decoding: scheme + rest, as: UTF8.self)
  }

  /// Has a checkpoint cosigned, and returns the witness's lines, all of which verify over it.
  ///
  /// When the witness has seen another size than was thought, it is asked once more with the proof from
  /// there.
  ///
  /// - Parameters:
  ///   - note: The checkpoint with the log's signature.
  ///   - oldSize: What the witness is thought to have seen; 0 when nothing is known.
  ///   - proof: Proves that the tree goes on; not asked from size 0.
  /// - Throws: ``WitnessError``.
  public func cosign(_ note: SignedNote, after oldSize: UInt64 = 0, proof: ProofSource)
    throws(WitnessError) -> [SignedNote.Line]
  {
    let checkpoint: Checkpoint
    do throws(NoteError) { checkpoint = try Checkpoint(text: note.text) } catch {
      throw WitnessError(url, .note(error))
    }
    let clock = SystemTime()
    let start = clock.monotonicNanoseconds()
    let thought = min(oldSize, checkpoint.size)
    var answer = try submit(note, checkpoint, from: thought, proof, timeoutMilliseconds)
    if answer.status == 409 {
      let seen = try seenSize(answer.body)
      guard seen <= checkpoint.size, seen != thought else {
        throw WitnessError(url, .conflict(size: seen))
      }
      let spent = (clock.monotonicNanoseconds() - start) / 1_000_000
      let left = UInt64(timeoutMilliseconds) - min(UInt64(timeoutMilliseconds), spent)
      answer = try submit(note, checkpoint, from: seen, proof, UInt32(clamping: left))
    }
    if let reason = try refusal(answer) { throw WitnessError(url, reason) }
    return try lines(answer.body, over: note)
  }

  /// Has a checkpoint of a tree in memory cosigned.
  ///
  /// - Parameters:
  ///   - note: The checkpoint with the log's signature; not of more leaves than the tree has.
  ///   - oldSize: What the witness is thought to have seen; 0 when nothing is known.
  ///   - tree: The tree.
  /// - Throws: ``WitnessError``.
  public func cosign(_ note: SignedNote, after oldSize: UInt64 = 0, tree: StoredTree)
    throws(WitnessError) -> [SignedNote.Line]
  {
    try cosign(note, after: oldSize) { oldSize, size in
      guard size <= tree.size else { throw ProofError.range }
      return tree.consistencyProof(oldSize: oldSize, size: size).path
    }
  }

  /// The latest checkpoint of a log that the witness shows, with its cosignature, which verifies; `nil` when
  /// it shows none.
  ///
  /// The log's signature is the caller's to verify.
  ///
  /// - Parameter origin: The first line of the log's checkpoints.
  /// - Throws: ``WitnessError``.
  public func latestCheckpoint(of origin: String) throws(WitnessError) -> SignedNote? {
    let name = SHA256.digest(Array(origin.utf8)).description
    let request = HTTPRequest(
      url: "\(url)/\(name)/checkpoint", timeoutMilliseconds: timeoutMilliseconds,
      answerByteCountLimit: Self.answerByteCountLimit)
    let answer = try send(request)
    if answer.status == 404 { return nil }
    if let reason = try refusal(answer) { throw WitnessError(url, reason) }
    guard let note = try? SignedNote(answer.body),
      (try? Checkpoint(text: note.text))?.origin == Array(origin.utf8)
    else { throw WitnessError(url, .answer) }
    _ = try verifiedLines(note)
    return note
  }

  // MARK: Requests

  private func submit(
    _ note: SignedNote, _ checkpoint: Checkpoint, from oldSize: UInt64, _ proof: ProofSource,
    _ milliseconds: UInt32
  ) throws(WitnessError) -> HTTPRequest.Answer {
    guard milliseconds > 0 else {
      throw WitnessError(url, .transport(TransportFailure(.timeout, detail: "")))
    }
    var path: [Digest] = []
    if oldSize > 0, oldSize < checkpoint.size {
      do { path = try proof(oldSize, checkpoint.size) } catch {
        throw WitnessError(url, .proof(oldSize: oldSize, error))
      }
    }
    let request = WitnessRequest(oldSize: oldSize, path: path, note: note)
    return try send(
      HTTPRequest(
        url: "\(url)/add-checkpoint", body: request.encoded, timeoutMilliseconds: milliseconds,
        answerByteCountLimit: Self.answerByteCountLimit))
  }

  private func send(_ request: HTTPRequest) throws(WitnessError) -> HTTPRequest.Answer {
    do throws(TransportFailure) { return try request.send() } catch {
      throw WitnessError(url, .transport(error))
    }
  }

  // MARK: Answers

  /// Why there is nothing in an answer; `nil` when there is.
  private func refusal(_ answer: HTTPRequest.Answer) throws(WitnessError) -> WitnessError.Reason? {
    switch answer.status {
    case 200: nil
    case 400: .malformed
    case 403: .unsigned
    case 404: .unknownLog
    case 409: .conflict(size: try seenSize(answer.body))
    case 413: .tooLarge
    case 422: .inconsistent
    case 429: .tooManyRequests
    case 500...599: .unavailable(status: answer.status)
    default: .status(answer.status)
    }
  }

  /// The body of a conflict: a size and a newline.
  private func seenSize(_ body: [UInt8]) throws(WitnessError) -> UInt64 {
    let digits = body.dropLast()
    guard body.last == 0x0a, (1...20).contains(digits.count),
      digits.allSatisfy({ (0x30...0x39).contains($0) }), digits.count == 1 || digits[0] != 0x30,
      let size = UInt64(String(decoding: digits, as: UTF8.self)), size <= Checkpoint.sizeLimit
    else { throw WitnessError(url, .answer) }
    return size
  }

  /// The witness's lines of an answer, over the checkpoint that was sent and no other.
  private func lines(_ body: [UInt8], over note: SignedNote) throws(WitnessError)
    -> [SignedNote.Line]
  {
    guard let answered = try? SignedNote(note.text + [0x0a] + body), answered.text == note.text
    else { throw WitnessError(url, .answer) }
    return try verifiedLines(answered)
  }

  private func verifiedLines(_ note: SignedNote) throws(WitnessError) -> [SignedNote.Line] {
    let found: [Cosignature]
    do throws(NoteError) { found = try Cosignature.verified(note, by: [key]) } catch {
      throw WitnessError(url, .signature(error))
    }
    // A cosignature without a time says nothing about when the tree was seen.
    guard let cosignature = found.first, cosignature.time > 0 else {
      throw WitnessError(url, .noCosignature)
    }
    return Array(note.lines.filter { $0.name == key.name && $0.keyID == key.id }.prefix(1))
  }
}

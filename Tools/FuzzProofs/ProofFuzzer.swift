import ByteCoding
import Cryptography
import Integrity
import TestSupport

/// Changes documents at random and checks what must hold whatever comes of it: nothing traps, what is read
/// is written back as it was, and nothing verifies that was not signed.
struct ProofFuzzer {
  private let corpus: ProofCorpus
  private let documents: [[UInt8]]
  private let keys: [NoteVerifierKey]
  private let policy: WitnessPolicy
  private var random: SeededGenerator

  /// Broken promises, each with the bytes that showed it.
  private(set) var failures: [(name: String, bytes: [UInt8])] = []
  /// Documents that were read.
  private(set) var acceptedCount = 0
  /// Documents that were refused.
  private(set) var refusedCount = 0

  init(seed: UInt64) throws {
    corpus = try ProofCorpus()
    documents = corpus.documents
    keys = [corpus.log.verifier]
    policy = try WitnessPolicy(corpus.policy)
    random = SeededGenerator(seed: seed)
  }

  /// Whether the corpus itself is read and verifies.
  func isSound() -> Bool {
    (try? corpus.proof.verify(
      leaf: corpus.leaf, origin: corpus.origin, keys: keys, policy: policy)) != nil
      && isJudged(corpus.request)
  }

  mutating func runOnce() {
    let kind = random.below(documents.count)
    var bytes = documents[kind]
    for _ in 0...random.below(3) { change(&bytes) }
    let isRead =
      switch kind {
      case 0: note(bytes)
      case 1: proof(bytes)
      case 2: request(bytes)
      case 3: (try? WitnessPolicy(bytes)) != nil
      case 4: key(bytes)
      case 5: tile(bytes)
      case 6: leaf(bytes)
      default: statement(bytes)
      }
    if isRead { acceptedCount += 1 } else { refusedCount += 1 }
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else {
      bytes = random.bytes(random.below(20))
      return
    }
    let place = random.below(bytes.count)
    let count = min(1 + random.below(1 << random.below(7)), bytes.count - place)
    switch random.below(8) {
    case 0, 1: bytes[place] ^= 1 << UInt8(random.below(8))
    case 2: bytes[place] = UInt8(truncatingIfNeeded: random.next())
    case 3: bytes.removeSubrange(place..<(place + count))
    case 4: bytes.insert(contentsOf: bytes[place..<(place + count)], at: random.below(bytes.count))
    case 5: bytes.removeSubrange(place...)
    case 6:
      let other = documents[random.below(documents.count)]
      let start = random.below(other.count)
      let end = min(other.count, start + 1 + random.below(200))
      bytes.insert(contentsOf: other[start..<end], at: place)
    default:
      // Whole lines change places.
      var lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
      lines.swapAt(random.below(lines.count), random.below(lines.count))
      bytes = Array(lines.joined(separator: [0x0a]))
    }
  }

  private mutating func fail(_ name: String, _ bytes: [UInt8]) { failures.append((name, bytes)) }

  private mutating func note(_ bytes: [UInt8]) -> Bool {
    guard let note = try? SignedNote(bytes) else { return false }
    if note.encoded != bytes { fail("a note that is written otherwise", bytes) }
    checkSigned(note, bytes)
    return true
  }

  private mutating func checkSigned(_ note: SignedNote, _ bytes: [UInt8]) {
    let isSigned =
      (try? Checkpoint.verified(note, origin: corpus.origin, keys: keys)) != nil
      || (try? policy.isSatisfied(by: note)) == true
    if isSigned, note.text != corpus.note.text { fail("another text that verifies", bytes) }
  }

  private mutating func proof(_ bytes: [UInt8]) -> Bool {
    guard let proof = try? ProofFile(bytes) else { return false }
    if proof.encoded != bytes { fail("a proof that is written otherwise", bytes) }
    checkSigned(proof.note, bytes)
    if (try? proof.verify(leaf: corpus.leaf, origin: corpus.origin, keys: keys)) != nil,
      proof.index != corpus.proof.index || proof.path != corpus.proof.path
    {
      fail("another proof that verifies", bytes)
    }
    return true
  }

  private func isJudged(_ request: WitnessRequest) -> Bool {
    let witness = Witness(logs: [.init(origin: corpus.origin, keys: keys)])
    return (try? witness.judge(request, after: corpus.oldState)) != nil
  }

  private mutating func request(_ bytes: [UInt8]) -> Bool {
    guard let request = try? WitnessRequest(bytes) else { return false }
    if request.encoded != bytes { fail("a request that is written otherwise", bytes) }
    let isSame =
      request.oldSize == corpus.request.oldSize && request.path == corpus.request.path
      && request.note.text == corpus.request.note.text
    if isJudged(request), !isSame { fail("another request that is granted", bytes) }
    return true
  }

  private mutating func key(_ bytes: [UInt8]) -> Bool {
    guard let text = String(validating: bytes, as: UTF8.self), let key = try? NoteVerifierKey(text)
    else { return false }
    if Array(key.text.utf8) != bytes { fail("a key that is written otherwise", bytes) }
    return true
  }

  private mutating func tile(_ bytes: [UInt8]) -> Bool {
    guard let text = String(validating: bytes, as: UTF8.self), let path = TilePath(text) else {
      return false
    }
    if Array(path.text.utf8) != bytes { fail("a tile that is written otherwise", bytes) }
    return true
  }

  private mutating func leaf(_ bytes: [UInt8]) -> Bool {
    guard let leaf = RecordLeaf(bytes.rawSpan) else { return false }
    if leaf.encoded != bytes { fail("a leaf that is written otherwise", bytes) }
    return true
  }

  private mutating func statement(_ bytes: [UInt8]) -> Bool {
    guard let statement = try? Statement(bytes.rawSpan) else { return false }
    if statement.encoded != bytes { fail("a statement that is written otherwise", bytes) }
    return true
  }
}

import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct WitnessTests {
  private struct Session: Decodable {
    struct Request: Decodable {
      let request: String
      let c2sp_head_status: Int
      let c2sp_body: String?
    }
    let log_origin: String
    let log_public_key_hex: String
    let requests: [Request]
  }

  @Test(.enabled(if: Vectors.areThere)) func `a session with another witness's answers`() throws {
    let session = try Vectors.json("witness/add-checkpoint-session.json", as: Session.self)
    let key = try NoteVerifierKey(
      name: #require(KeyName(session.log_origin)), kind: .ed25519,
      publicKey: #require(Hexadecimal.bytes(session.log_public_key_hex)))
    let witness = Witness(logs: [.init(origin: session.log_origin, keys: [key])])
    var state = Witness.State.nothing
    var statuses: [Int] = []
    for (number, test) in session.requests.enumerated() {
      do {
        let request = try WitnessRequest(Array(test.request.utf8))
        #expect(request.encoded == Array(test.request.utf8))
        state = try witness.judge(request, after: state)
        statuses.append(200)
      } catch let refusal as Witness.Refusal {
        if case .conflict(let size) = refusal { #expect(test.c2sp_body == "\(size)\n") }
        statuses.append(refusal.status)
      } catch is NoteError {
        // Its signature is not in canonical Base64, which is refused before it is verified.
        #expect(number == 1)
        statuses.append(test.c2sp_head_status)
      }
    }
    #expect(statuses == session.requests.map(\.c2sp_head_status) && statuses.count == 9)
    #expect(state.size == 5)
  }

  private static func key(_ seed: UInt8) throws -> NoteSignerKey {
    try NoteSignerKey(
      name: #require(KeyName("example.com/log")), seed: [UInt8](repeating: seed, count: 32))
  }

  private func request(
    from old: Int, to size: Int, in tree: SlowTree, root: Digest? = nil, path: [Digest]? = nil,
    origin: String = "example.com/log", seed: UInt8 = 1
  ) throws -> WitnessRequest {
    let checkpoint = try Checkpoint(
      origin: origin, size: UInt64(size), root: root ?? tree.root(of: 0..<size))
    var note = try SignedNote(text: checkpoint.text)
    try note.sign(with: Self.key(seed))
    let proven =
      old <= size ? tree.consistencyProof(oldSize: UInt64(old), size: UInt64(size)).path : []
    return WitnessRequest(oldSize: UInt64(old), path: path ?? proven, note: note)
  }

  @Test func `answers in the order of the text`() throws {
    let tree = SlowTree.counting(20)
    let witness = Witness(
      logs: [.init(origin: "example.com/log", keys: [try Self.key(1).verifier])])
    let seen = Witness.State(size: 7, root: tree.root(of: 0..<7))
    func refusal(_ request: WitnessRequest, after state: Witness.State = seen) -> Witness.Refusal? {
      do throws(Witness.Refusal) {
        _ = try witness.judge(request, after: state)
        return nil
      } catch { return error }
    }
    #expect(try refusal(request(from: 7, to: 12, in: tree)) == nil)
    #expect(try refusal(request(from: 7, to: 7, in: tree)) == nil)
    #expect(try refusal(request(from: 7, to: 12, in: tree, origin: "other")) == .unknownOrigin)
    #expect(try refusal(request(from: 7, to: 12, in: tree, seed: 2)) == .unsigned)
    #expect(try refusal(request(from: 12, to: 7, in: tree)) == .malformed)
    #expect(try refusal(request(from: 6, to: 12, in: tree)) == .conflict(size: 7))
    #expect(try refusal(request(from: 0, to: 12, in: tree)) == .conflict(size: 7))
    let other = tree.leaves[0]
    #expect(try refusal(request(from: 7, to: 7, in: tree, root: other)) == .inconsistent)
    #expect(try refusal(request(from: 7, to: 12, in: tree, root: other)) == .inconsistent)
    #expect(try refusal(request(from: 7, to: 12, in: tree, path: [])) == .inconsistent)
    let empty = Witness.State.nothing
    #expect(try refusal(request(from: 0, to: 5, in: tree), after: empty) == nil)
    #expect(try refusal(request(from: 0, to: 0, in: tree), after: empty) == nil)
    #expect(
      try refusal(request(from: 0, to: 5, in: tree, path: [other]), after: empty) == .inconsistent)
    #expect(
      try refusal(request(from: 0, to: 0, in: tree, root: other), after: empty) == .inconsistent)
  }

  @Test func `no order of requests makes a witness sign two histories`() throws {
    var random = SeededGenerator()
    let trees = [
      SlowTree.counting(40),
      // The same up to the twelfth leaf.
      SlowTree(leaves: SlowTree.counting(12).leaves + SlowTree.counting(60).leaves[20..<48]),
    ]
    let witness = Witness(
      logs: [.init(origin: "example.com/log", keys: [try Self.key(1).verifier])])
    for _ in 0..<20 {
      var state = Witness.State.nothing
      var signed: [Witness.State] = []
      for _ in 0..<60 {
        let tree = trees[random.below(2)]
        let old = random.below(3) == 0 ? random.below(30) : Int(state.size)
        let size = min(40, old + random.below(8))
        let request = try request(from: old, to: size, in: tree)
        guard let next = try? witness.judge(request, after: state) else { continue }
        signed.append(next)
        state = next
      }
      let isOne = trees.map { tree in
        signed.allSatisfy { tree.root(of: 0..<Int($0.size)) == $0.root }
      }
      #expect(isOne.contains(true) && signed.count > 3)
    }
  }
}

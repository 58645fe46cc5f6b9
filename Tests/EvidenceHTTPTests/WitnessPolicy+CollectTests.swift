#if HTTP
  import EvidenceHTTP
  import Integrity
  import Testing

  @Suite struct WitnessPolicyCollectTests {
    /// Witnesses at work, and a policy about them and about some that are not.
    private struct Network {
      let rigs: [WitnessRig]
      let servers: [WitnessServer]
      let policy: WitnessPolicy
      let silent: FakeWitness

      init(quorum: String) throws {
        rigs = try (2...4).map { try WitnessRig(number: $0) }
        servers = try rigs.map { try $0.server() }
        silent = try FakeWitness([.answer(500, []), .answer(500, [])])
        var text = ""
        for (number, rig) in rigs.enumerated() {
          text += "witness w\(number) \(rig.key.verifier.text) \(servers[number].url)\n"
        }
        // One that is out of order, one that is nowhere, one without a place, one with a bad one.
        for (seed, url) in [(5, silent.url), (6, "http://127.0.0.1:1"), (7, ""), (8, "x:y")] {
          let key = try WitnessRig.witnessKey(UInt8(seed)).verifier
          text += "witness w\(seed) \(key.text) \(url)\n"
        }
        text += "group here 2 w0 w1 w2\ngroup away any w5 w6 w7 w8\nquorum \(quorum)\n"
        policy = try WitnessPolicy(Array(text.utf8))
      }

      var keys: [NoteVerifierKey] { rigs.map(\.key.verifier) }
    }

    @Test func `all that can be had is collected, and what failed is said`() throws {
      let network = try Network(quorum: "here")
      let rig = network.rigs[0]
      // They have not all seen the same.
      _ = try rig.client(network.servers[0].url).cosign(rig.note(3), tree: rig.tree)
      let tree = rig.tree
      let note = try rig.note(40)
      let result = network.policy.collect(note) {
        tree.consistencyProof(oldSize: $0, size: $1).path
      }
      #expect(result.isQuorumMet)
      #expect(result.note.text == note.text && result.note.lines.prefix(1) == note.lines[...])
      #expect(try Cosignature.verified(result.note, by: network.keys).count == 3)
      #expect(
        result.failures.map(\.name.description) == [5, 6, 8].map { "witness.example/\($0)" })
      let reasons = result.failures.map(\.error.reason)
      guard case .unavailable(status: 500) = reasons[0], case .transport = reasons[1],
        case .url = reasons[2]
      else {
        Issue.record("\(reasons)")
        return
      }
      // Once more: lines take the place of those that were there.
      let again = network.policy.collect(result.note, after: 40) { _, _ in [] }
      #expect(again.note.lines.count == 4 && again.isQuorumMet)
    }

    @Test func `a quorum that cannot be reached is not met, and nothing is lost`() throws {
      let network = try Network(quorum: "away")
      let rig = network.rigs[0]
      let result = network.policy.collect(try rig.note(40)) { _, _ in [] }
      #expect(!result.isQuorumMet && result.note.lines.count == 4 && result.failures.count == 3)
    }

    @Test func `a fork is refused by those who saw the other history`() throws {
      let network = try Network(quorum: "here")
      let rig = network.rigs[0]
      var fork = StoredTree()
      fork.append((0..<50).map { MerkleTree.leafHash([UInt8($0), 1]) })
      for number in 0..<2 {
        let client = try network.rigs[number].client(network.servers[number].url)
        _ = try client.cosign(rig.note(20), tree: rig.tree)
      }
      let note = try WitnessRig.note(40, of: fork, by: rig.log)
      let result = network.policy.collect(note) { [fork] in
        fork.consistencyProof(oldSize: $0, size: $1).path
      }
      #expect(!result.isQuorumMet && result.note.lines.count == 2)
      let refusals = result.failures.filter {
        if case .inconsistent = $0.error.reason { true } else { false }
      }
      #expect(refusals.count == 2)
    }

    @Test func `awaiting is collecting`() async throws {
      let network = try Network(quorum: "here")
      let note = try network.rigs[0].note(40)
      let result = try await network.policy.cosigned(note) { _, _ in [] }
      #expect(result.isQuorumMet && result.note.lines.count == 4)
    }
  }
#endif

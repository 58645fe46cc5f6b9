import Foundation

#if HTTP
  import Cryptography
  import EvidenceHTTP
  import Integrity
  import TestSupport

  /// Has a witness, of whatever make, cosign a log that grows, and refuse forks of it. The checkpoints with
  /// their cosignatures, which were verified, are written to files for others to judge.
  @main
  enum AskWitness {
    static func main() throws {
      let words = CommandLine.arguments
      guard words.count == 7, let count = Int(words[4]), let seed = UInt64(words[5]) else {
        print("usage: ask-witness URL VKEY LOG-KEY-FILE COUNT SEED DIRECTORY")
        exit(2)
      }
      let secret = try String(contentsOfFile: words[3], encoding: .utf8).dropLast()
      var session = Session(
        client: try WitnessClient(
          url: words[1], key: NoteVerifierKey(words[2]), timeoutMilliseconds: 60_000),
        log: try NoteSignerKey(String(secret)), random: SeededGenerator(seed: seed))
      for number in 0..<count {
        let note = try session.grow()
        let path = "\(words[6])/\(number).note"
        try Data(note.encoded).write(to: URL(fileURLWithPath: path))
        try session.fork()
      }
      print("\(count) checkpoints cosigned, \(session.refusedCount) forks refused, seed \(seed)")
    }
  }

  /// A log and what its witness has seen.
  private struct Session {
    struct Failure: Error { let text: String }

    let client: WitnessClient
    let log: NoteSignerKey
    var random: SeededGenerator
    var tree = StoredTree()
    var refusedCount = 0

    init(client: WitnessClient, log: NoteSignerKey, random: SeededGenerator) {
      (self.client, self.log, self.random) = (client, log, random)
    }

    private func note(_ tree: StoredTree) throws -> SignedNote {
      var note = try SignedNote(
        text: Checkpoint(
          origin: "\(log.verifier.name)", size: tree.size, root: tree.root
        ).text)
      try note.sign(with: log)
      return note
    }

    /// Adds leaves, and has the checkpoint cosigned, with or without knowing what was seen.
    mutating func grow() throws -> SignedNote {
      let seen = tree.size
      tree.append(leaves(random.below(40) + (seen == 0 ? 1 : 0)))
      var note = try note(tree)
      note.lines += try client.cosign(note, after: random.below(2) == 0 ? seen : 0, tree: tree)
      guard try Cosignature.verified(note, by: [client.key]).count == 1 else {
        throw Failure(text: "a cosignature does not verify")
      }
      return note
    }

    private mutating func leaves(_ count: Int) -> [Digest] {
      (0..<count).map { _ in MerkleTree.leafHash(random.bytes(20)) }
    }

    /// Submits another history: of the same size, a larger or a smaller one.
    mutating func fork() throws {
      var other = StoredTree()
      let size = Int(tree.size) + random.below(3) - 1
      guard size > 0 else { return }
      other.append(leaves(size))
      let note = try note(other)
      do throws(WitnessError) {
        _ = try client.cosign(note, tree: other)
      } catch {
        switch error.reason {
        // Older witnesses answer 409 where the sizes are equal.
        case .inconsistent, .conflict: refusedCount += 1
        default: throw error
        }
        return
      }
      throw Failure(text: "a fork was cosigned at size \(size)")
    }
  }
#else
  @main
  enum AskWitness {
    static func main() {
      print("ask-witness: built without the trait HTTP; build it with 'swift build --traits HTTP'")
      exit(2)
    }
  }
#endif

import CommitLog
import Cryptography
import Integrity
import LogFormat
import Quantities
import Testing

@testable import AuditVerification

@Suite struct CheckpointAuditTests {
  /// A checkpoint of a stream at each of its groups.
  static func checkpoints(_ rig: AuditRig, _ key: NoteSignerKey) throws -> [AuditOptions.Checkpoint]
  {
    try rig.groups(ofStream: 1).map {
      try AuditRig.checkpoint(
        AuditRig.logName + "/streams/s", $0.nextOffset.rawValue, try #require(Digest($0.root)),
        by: key)
    }
  }

  @Test func `checkpoints that were held are those of the log`() throws {
    let rig = try AuditRig.store(count: 500, rounds: 3)
    let key = try AuditRig.signer()
    let held = try Self.checkpoints(rig, key)
    let report = try rig.report {
      $0.checkpoints = held
      $0.keys = [key.verifier]
    }
    #expect(report.verdict == .proven, "\(described(report))")
    #expect(report.checkpoints.count == 3)
    #expect(report.checkpoints.allSatisfy { $0.isConfirmed == true })
    #expect(report.checkpoints.allSatisfy { $0.signers == [AuditRig.logName] })
    #expect(!report.unchecked.contains { $0.subject == .checkpoint || $0.subject == .signature })
  }

  @Test func `a size between two groups has its root too`() throws {
    let rig = try AuditRig.store(count: 500, rounds: 2)
    let key = try AuditRig.signer()
    var leaves: [Digest] = []
    try rig.writing { store in
      leaves = try AuditRig.leaves(try store.stream(StreamName("s"))).map {
        MerkleTree.leafHash($0.encoded)
      }
    }
    for size in [1, 255, 256, 257, leaves.count / 2, leaves.count - 1] {
      var tree = TreeFrontier()
      tree.append(Array(leaves[..<size]))
      for root in [tree.root, SHA256.digest([1])] {
        let checkpoint = try AuditRig.checkpoint(
          AuditRig.logName + "/streams/s", UInt64(size), root, by: key)
        let report = try rig.report {
          $0.checkpoints = [checkpoint]
          $0.keys = [key.verifier]
        }
        #expect(report.checkpoints.first?.isConfirmed == (root == tree.root))
        #expect(report.findings.map(\.rule) == (root == tree.root ? [] : [.rewritten]))
      }
    }
  }

  @Test func `a checkpoint of the store has the tree of its evidence stream`() throws {
    let stated = try StatementBookTests.Stated(.tree)
    try stated.rig.state(stated.allHeads)
    let key = try AuditRig.signer()
    let group = try #require(try stated.rig.groups(ofStream: 2).last)
    let held = try AuditRig.checkpoint(
      AuditRig.logName, group.nextOffset.rawValue, try #require(Digest(group.root)), by: key)
    let report = try stated.rig.report {
      $0.checkpoints = [held]
      $0.keys = [key.verifier]
    }
    #expect(report.verdict == .proven, "\(described(report))")
    #expect(report.checkpoints.first?.isConfirmed == true)
  }

  @Test func `a log that is shorter than a held checkpoint is truncated, and the size is named`()
    throws
  {
    let rig = try AuditRig.store(count: 500, rounds: 3)
    let key = try AuditRig.signer()
    let held = try #require(try Self.checkpoints(rig, key).last)
    let size = try #require(try rig.groups(ofStream: 1).last).nextOffset.rawValue
    // The store as it was earlier: nothing in it contradicts itself.
    let shorter = try AuditRig.store(count: 500, rounds: 2)
    let without = try shorter.report()
    #expect(without.verdict == .proven)
    #expect(without.unchecked.contains { $0.subject == .history })
    let report = try shorter.report {
      $0.checkpoints = [held]
      $0.keys = [key.verifier]
    }
    #expect(report.findings.map(\.rule) == [.truncated], "\(described(report))")
    #expect(report.findings.first?.message.contains("\(size)") == true)
    #expect(report.findings.first?.place.offsets?.upperBound == size)
  }

  @Test func `a log that was made anew with one record changed is rewritten`() throws {
    let rig = try AuditRig.store(count: 500, rounds: 3)
    let key = try AuditRig.signer()
    let held = try Self.checkpoints(rig, key)
    let other = try AuditRig.store(count: 500, rounds: 3, seed: 2)
    let report = try other.report {
      $0.checkpoints = [held[0]]
      $0.keys = [key.verifier]
    }
    #expect(report.verdict == .broken)
    #expect(report.findings.map(\.rule) == [.rewritten], "\(described(report))")
  }

  @Test func `who signed is known to the caller alone`() throws {
    let rig = try AuditRig.store(count: 200)
    let key = try AuditRig.signer()
    let held = try Self.checkpoints(rig, key)
    // Nobody's key.
    let unknown = try rig.report { $0.checkpoints = held }
    #expect(
      unknown.verdict == .incomplete && unknown.checkpoints.allSatisfy { $0.isConfirmed == nil })
    // Another's key.
    let other = try AuditRig.signer("example.org/other", 2)
    let foreign = try rig.report {
      $0.checkpoints = held
      $0.keys = [other.verifier]
    }
    #expect(Set(foreign.findings.map(\.rule)) == [.untrustedCheckpoint])
    // Another log.
    let elsewhere = try rig.report {
      $0.checkpoints = held
      $0.keys = [key.verifier]
      $0.origin = "example.org/elsewhere"
    }
    #expect(Set(elsewhere.findings.map(\.rule)) == [.untrustedCheckpoint])
    // A signature that does not hold.
    var forged = held[0]
    forged.bytes[forged.bytes.count - 10] ^= 1
    let bad = try rig.report {
      $0.checkpoints = [forged]
      $0.keys = [key.verifier]
    }
    #expect(bad.verdict == .broken)
    // No checkpoint at all.
    let nonsense = try rig.report {
      $0.checkpoints = [AuditOptions.Checkpoint(path: "x", bytes: Array("nothing".utf8))]
      $0.keys = [key.verifier]
    }
    #expect(nonsense.findings.map(\.rule) == [.untrustedCheckpoint])
  }

  @Test func `a policy wants to have seen its witnesses`() throws {
    let rig = try AuditRig.store(count: 200)
    let key = try AuditRig.signer()
    let witness = try NoteSignerKey(
      name: try #require(KeyName("witness.example")), kind: .ed25519Cosignature,
      seed: [UInt8](repeating: 9, count: 32))
    let policy = try WitnessPolicy(
      Array("witness w \(witness.verifier.text)\nquorum w\n".utf8))
    var held = try #require(try Self.checkpoints(rig, key).last)
    let alone = try rig.report {
      $0.checkpoints = [held]
      $0.keys = [key.verifier]
      $0.policy = policy
    }
    #expect(alone.findings.map(\.rule) == [.missingWitness], "\(described(alone))")
    #expect(alone.checkpoints.first?.isQuorum == false)
    var note = try SignedNote(held.bytes)
    note.lines.append(try Cosignature.line(over: note.text, time: 77, key: witness))
    held.bytes = note.encoded
    let seen = try rig.report {
      $0.checkpoints = [held]
      $0.keys = [key.verifier]
      $0.policy = policy
    }
    #expect(seen.verdict == .proven, "\(described(seen))")
    #expect(seen.checkpoints.first?.witnesses.map(\.time) == [77])
  }

  @Test func `names of streams in origins are read back`() {
    #expect(CheckpointAudit.unescaped("orders%2Fgr%C3%B6%C3%9Fe") == "orders/größe")
    #expect(CheckpointAudit.unescaped("plain-1.~_") == "plain-1.~_")
    for bad in ["%", "%2", "%zz", "%FF"] {
      #expect(CheckpointAudit.unescaped(Substring(bad)) == nil)
    }
  }
}

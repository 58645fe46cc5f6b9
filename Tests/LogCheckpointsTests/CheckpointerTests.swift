import CommitLog
import Cryptography
import EvidenceFiles
import Integrity
import LogCheckpoints
import Quantities
import SimulatedIO
import Testing

@Suite struct CheckpointerTests {
  @Test func `a checkpoint is signed, kept, and goes on from the last`() throws {
    let rig = try CheckpointRig()
    var last: Checkpoint?
    for round in 0..<4 {
      let store = try rig.open()
      let log = try CheckpointRig.stream(store)
      let file = try rig.file()
      let checkpointer = Checkpointer(
        store, origin: CheckpointRig.origin, key: rig.key, file: file)
      try CheckpointRig.append(300, to: log)
      let note = try checkpointer.checkpoint()
      let checkpoint = try Checkpoint.verified(
        note, origin: CheckpointRig.origin, keys: [rig.key.verifier])
      #expect(checkpoint.size == UInt64(round + 1))
      #expect(try checkpointer.checkpoint() == note)
      #expect(file.note == note)
      let tree = try #require(try checkpointer.tree())
      if let last {
        let proof = try tree.consistencyProof(oldSize: last.size, size: checkpoint.size)
        try proof.verify(part: last.root, root: checkpoint.root)
      }
      last = checkpoint
      store.close()
    }
  }

  @Test func `the origin of a stream says which, whatever its name`() {
    let origins = ["a": "a", "a b": "a%20b", "%": "%25", "é": "%C3%A9", "a~-._Z9": "a~-._Z9"]
    for (name, expected) in origins {
      #expect(Checkpointer.origin(of: name, in: "x.y/z") == "x.y/z/streams/\(expected)")
    }
  }

  @Test func `a store that lost what was signed is not signed again`() throws {
    let rig = try CheckpointRig()
    let store = try rig.open()
    let log = try CheckpointRig.stream(store)
    let subject = Checkpointer.Subject.stream(log)
    let origin = CheckpointRig.origin
    let file = try rig.file()
    // Nothing to sign is no checkpoint.
    #expect(throws: CheckpointError.self) {
      try Checkpointer(store, subject, origin: origin, key: rig.key, file: file).checkpoint()
    }
    #expect(throws: CheckpointError.self) {
      try Checkpointer(store, origin: origin, key: rig.key, file: file).checkpoint()
    }
    try CheckpointRig.append(100, to: log)
    // A copy of now, which goes on otherwise.
    var copy = rig
    copy.disk = rig.disk.crashImage(.keepAll)
    let signer = Checkpointer(store, subject, origin: origin, key: rig.key, file: file)
    let first = try signer.checkpoint()
    try CheckpointRig.append(100, to: log)
    let second = try signer.checkpoint()
    #expect(first != second)
    let other = try copy.open()
    let shorter = Checkpointer(
      other, .stream(try other.stream(StreamName("a b"))), origin: origin, key: rig.key,
      file: file)
    #expect(throws: CheckpointError.self) { try shorter.checkpoint() }
    for index in 0..<200 as Range<UInt8> { try other.stream(StreamName("a b")).append([index]) }
    #expect(throws: CheckpointError.self) { try shorter.checkpoint() }
    // Neither is another tree with the same file.
    let whole = Checkpointer(store, origin: origin, key: rig.key, file: file)
    #expect(throws: CheckpointError.self) { try whole.checkpoint() }
    #expect(file.note == second)
    store.close()
    other.close()
  }

  @Test func `no power cut makes a store contradict what was signed`() throws {
    let rig = try CheckpointRig()
    let store = try rig.open()
    let log = try CheckpointRig.stream(store)
    for _ in 0..<3 {
      try CheckpointRig.append(70, to: log)
      let signer = Checkpointer(
        store, origin: CheckpointRig.origin, key: rig.key, file: try rig.file())
      let note = try signer.checkpoint()
      try CheckpointRig.append(7, to: log)
      let crashed = rig.crashed()
      let again = try crashed.open()
      let file = try crashed.file()
      #expect(file.note == note)
      let second = Checkpointer(
        again, origin: CheckpointRig.origin, key: rig.key, file: file)
      // The store proves to itself that it goes on.
      try CheckpointRig.append(1, to: again.stream(StreamName("a b")))
      #expect(try second.checkpoint() != note)
      again.close()
    }
    store.close()
  }
}

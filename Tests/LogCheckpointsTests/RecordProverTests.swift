import CommitLog
import Cryptography
import EvidenceFiles
import Integrity
import LogCheckpoints
import Quantities
import Testing

@Suite struct RecordProverTests {
  /// Checks a proof as somebody with the key alone would.
  private func check(_ file: ProofFile, _ rig: CheckpointRig, origin: String) throws -> RecordLeaf {
    let read = try ProofFile(file.encoded)
    #expect(read == file)
    let extra = try #require(read.extra)
    let proof = try #require(RecordProof(extra))
    #expect(proof.encoded == read.extra)
    try read.verify(leaf: proof.provenLeaf, origin: origin, keys: [rig.key.verifier])
    try proof.verify(index: read.index)
    return proof.leaf
  }

  @Test func `records are proven under checkpoints of their stream and of the store`() throws {
    let rig = try CheckpointRig()
    let store = try rig.open()
    let log = try CheckpointRig.stream(store)
    let other = try CheckpointRig.stream(store, "other")
    var notes: [(note: SignedNote, origin: String, size: UInt64)] = []
    let origin = CheckpointRig.origin
    let subjects: [(Checkpointer.Subject, String)] = [(.store, "l1"), (.stream(log), "l2")]
    for _ in 0..<3 {
      try CheckpointRig.append(333, to: log)
      try CheckpointRig.append(10, to: other)
      for (subject, name) in subjects {
        let signer = Checkpointer(
          store, subject, origin: origin, key: rig.key, file: try rig.file(name))
        notes.append((try signer.checkpoint(), signer.origin, log.logEndOffset.rawValue))
      }
    }
    let reader = try rig.openReader()
    let name = try StreamName("a b")
    for (note, origin, size) in notes {
      for offset in [0, 1, 255, 256, 300, 511, 666, size - 1] where offset < size {
        let expected = Array(
          "record \(offset), and something that fills it a little".utf8)
        for trees in [store, reader] as [any StoreTrees] {
          let file = try RecordProver(name, of: trees).proof(
            of: Offset(rawValue: offset), under: note)
          let leaf = try check(file, rig, origin: origin)
          #expect(leaf.offset == offset)
          #expect(
            leaf.commitment
              == RecordContent.commitment(key: nil, type: nil, headers: [], value: expected))
        }
      }
      #expect(throws: ProverError.self) {
        try RecordProver(name, of: store).proof(of: Offset(rawValue: size), under: note)
      }
    }
    store.close()
  }

  @Test func `a reader proves what was stated and taken out a moment ago`() throws {
    let rig = try CheckpointRig()
    let name = try StreamName("a b")
    let taken = Offset(rawValue: 3)
    func change(_ count: Int, _ redacted: Offset?) throws -> SignedNote {
      let store = try rig.open()
      defer { store.close() }
      let log = try CheckpointRig.stream(store)
      if let redacted { try store.redact(redacted, in: log) }
      try CheckpointRig.append(count, to: log)
      return try Checkpointer(
        store, origin: CheckpointRig.origin, key: rig.key, file: try rig.file()
      ).checkpoint()
    }
    let before = try change(10, nil)
    let reader = try rig.openReader()
    let prover = RecordProver(name, of: reader)
    let old = try prover.proof(of: taken, under: before)
    // The clock says that the reader has just looked.
    let after = try change(5, taken)
    let reading = try reader.makeReader(of: name)
    #expect(reading.nextOffset == .zero)
    for (note, offset) in [(after, 12), (after, 3), (before, 3)] as [(SignedNote, UInt64)] {
      let file = try prover.proof(of: Offset(rawValue: offset), under: note)
      let leaf = try check(file, rig, origin: CheckpointRig.origin)
      #expect(leaf.offset == offset)
      if offset == 3 { #expect(try leaf == check(old, rig, origin: CheckpointRig.origin)) }
    }
  }

  @Test func `no bit of a proof can be changed`() throws {
    let rig = try CheckpointRig()
    let store = try rig.open()
    let log = try CheckpointRig.stream(store)
    try CheckpointRig.append(20, to: log)
    let signer = Checkpointer(
      store, origin: CheckpointRig.origin, key: rig.key, file: try rig.file())
    let file = try RecordProver(StreamName("a b"), of: store).proof(
      of: Offset(rawValue: 11), under: signer.checkpoint())
    let extra = try #require(file.extra)
    let good = try #require(RecordProof(extra))
    for bit in 0..<extra.count * 8 {
      var bytes = extra
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      guard let proof = RecordProof(bytes) else { continue }
      let isRefused: Bool
      do {
        try file.verify(
          leaf: proof.provenLeaf, origin: CheckpointRig.origin, keys: [rig.key.verifier])
        try proof.verify(index: file.index)
        isRefused = false
      } catch {
        isRefused = true
      }
      #expect(isRefused, "bit \(bit)")
    }
    for count in 0..<extra.count { #expect(RecordProof(Array(extra.prefix(count))) == nil) }
    #expect(RecordProof(extra + [0]) == nil)
    #expect(good.inner != nil)
    store.close()
  }
}

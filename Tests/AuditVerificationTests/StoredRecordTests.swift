import CommitLog
import Cryptography
import EvidenceFiles
import Integrity
import LogCheckpoints
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import AuditVerification

/// Proofs that are made from files alone, beside those that the engine makes.
@Suite struct StoredRecordTests {
  /// A store with records of every kind, and checkpoints of it and of its stream.
  private struct Signed {
    var rig: AuditRig
    let key: NoteSignerKey
    var notes: [SignedNote] = []
    static let name = "a b ß"

    init(rounds: Int = 3) throws {
      rig = AuditRig()
      rig.keepsStatements = true
      key = try AuditRig.signer()
      try rig.disk.makeDirectory(path: "/last")
      try Store.create(at: AuditRig.path, options: rig.options, environment: rig.environment)
      for round in 0..<rounds {
        try rig.writing { store in
          let log = try store.createStream(
            StreamName(Self.name), options: AuditRig.streamOptions(.tree))
          try AuditRig.append(700, to: log, seed: UInt64(round + 1))
          try log.flush()
        }
        try sign()
      }
    }

    /// Signs the store and its stream as they are.
    mutating func sign() throws {
      let (rig, key) = (rig, key)
      var made: [SignedNote] = []
      try rig.writing { store in
        let log = try store.stream(StreamName(Self.name))
        for (subject, file) in [(Checkpointer.Subject.store, "store"), (.stream(log), "stream")] {
          let last = try CheckpointFile(opening: file, in: "/last", fileSystem: rig.disk)
          made.append(
            try Checkpointer(store, subject, origin: AuditRig.logName, key: key, file: last)
              .checkpoint())
        }
      }
      notes += made
    }

    func proof(of offset: UInt64, under note: SignedNote) throws(RecordProofError) -> ProofFile {
      try StoredRecord(
        at: offset, ofStream: Self.name, in: AuditRig.path, fileSystem: rig.disk, workerCount: 1
      ).proof(under: note)
    }

    func error(of offset: UInt64, under note: SignedNote) -> RecordProofError? {
      do throws(RecordProofError) {
        _ = try proof(of: offset, under: note)
        return nil
      } catch { return error }
    }

    /// What the engine makes.
    func engineProof(of offset: UInt64, under note: SignedNote) throws -> ProofFile {
      let reader = try StoreReader.open(
        at: AuditRig.path, options: rig.options, environment: rig.environment)
      return try RecordProver(StreamName(Self.name), of: reader).proof(
        of: Offset(rawValue: offset), under: note)
    }

    static func size(_ note: SignedNote) throws -> UInt64 { try Checkpoint(text: note.text).size }
  }

  private static func check(_ file: ProofFile, _ key: NoteSignerKey) throws -> RecordLeaf {
    let origin = String(decoding: try Checkpoint(text: file.note.text).origin, as: UTF8.self)
    let extra = try #require(file.extra)
    let proof = try #require(RecordProof(extra))
    try file.verify(leaf: proof.provenLeaf, origin: origin, keys: [key.verifier])
    try proof.verify(index: file.index)
    return proof.leaf
  }

  @Test func `a proof is byte for byte that of the engine`() throws {
    let signed = try Signed()
    for note in signed.notes {
      let isOfStream = try Checkpoint(text: note.text).origin.count > AuditRig.logName.utf8.count
      let size = isOfStream ? try Signed.size(note) : 700
      for offset in [0, 1, 7, 255, 256, 511, 512, 640, size - 1] as [UInt64] {
        let made = try signed.proof(of: offset, under: note)
        #expect(made.encoded == (try signed.engineProof(of: offset, under: note)).encoded)
        #expect(try Self.check(made, signed.key).offset == offset)
      }
    }
  }

  @Test func `a record that a checkpoint does not cover is refused with its size`() throws {
    let signed = try Signed(rounds: 2)
    let sizes = try signed.notes.map(Signed.size)
    #expect(
      signed.error(of: sizes[1], under: signed.notes[1])
        == .notCovered(offset: sizes[1], size: sizes[1], stream: Signed.name))
    // The first checkpoint of the store has the statement about the first records alone.
    #expect(
      signed.error(of: sizes[1], under: signed.notes[0])
        == .notCovered(offset: sizes[1], size: sizes[0], stream: Statement.streamName))
    let text = try #require(signed.error(of: sizes[1], under: signed.notes[1])).description
    #expect(text.contains("\(sizes[1]) records"))
    #expect(throws: RecordProofError.withoutTree(stream: "no")) {
      try StoredRecord(at: 0, ofStream: "no", in: AuditRig.path, fileSystem: signed.rig.disk)
    }
    #expect(throws: RecordProofError.audit(.notAStore(path: "/last"))) {
      try StoredRecord(at: 0, ofStream: "no", in: "/last", fileSystem: signed.rig.disk)
    }
  }

  @Test func `a store that contradicts the checkpoint gives no proof`() throws {
    let signed = try Signed(rounds: 2)
    let note = signed.notes[3]
    let size = try Signed.size(note)
    var other = try Checkpoint(
      origin: AuditRig.logName + "/streams/a%20b%20%C3%9F", size: size, root: SHA256.digest([1]))
    var forged = try SignedNote(text: other.text)
    try forged.sign(with: signed.key)
    #expect(
      signed.error(of: 3, under: forged) == .contradiction(stream: Signed.name, size: size))
    other = try Checkpoint(
      origin: AuditRig.logName + "/streams/a%20b%20%C3%9F", size: size + 9,
      root: SHA256.digest([1]))
    var longer = try SignedNote(text: other.text)
    try longer.sign(with: signed.key)
    #expect(
      signed.error(of: 3, under: longer)
        == .truncated(stream: Signed.name, nextOffset: size, size: size + 9))
    // One bit of a record, and what is behind it is missing or does not lead to the root.
    let file = try #require(signed.rig.segments(ofStream: 1).first)
    var bytes = try signed.rig.bytes(file)
    bytes[bytes.count / 2] ^= 1
    try signed.rig.replace(file, bytes)
    let error = try #require(signed.error(of: 3, under: note))
    #expect(error.isContradiction && !error.isAboutRemoval, "\(error)")
  }

  @Test func `what removals keep is enough for the records behind them`() throws {
    var signed = try Signed(rounds: 6)
    var removed: UInt64 = 0
    try signed.rig.writing { store in
      let log = try store.stream(StreamName(Signed.name))
      let (count, _) = try log.removeSegments(before: Offset(rawValue: 2_300))
      #expect(count > 0)
      removed = log.logStartOffset.rawValue
    }
    try signed.sign()
    #expect(removed > 600)
    for note in signed.notes.suffix(4) {
      for offset in [removed, removed + 1, removed + 300] {
        let made = try signed.proof(of: offset, under: note)
        #expect(made.encoded == (try signed.engineProof(of: offset, under: note)).encoded)
      }
    }
    // Of a block that went as a whole nothing is left of its leaves.
    let (ofStore, ofStream) = (signed.notes[signed.notes.count - 2], signed.notes.last)
    let note = try #require(ofStream)
    let error = try #require(signed.error(of: 300, under: note))
    #expect(error.isAboutRemoval && !error.isContradiction, "\(error)")
    // A leaf beside a stated size was kept: its hash is proven, without the leaf itself.
    let last = removed - 1
    let made = try signed.proof(of: last, under: note)
    #expect(made.extra == nil && made.index == last)
    #expect(signed.error(of: last, under: ofStore) == .contentRemoved(offset: last))
  }

  @Test func `redacted records and offsets without one have proofs too`() throws {
    var signed = try Signed(rounds: 1)
    let rig = signed.rig
    var leaves: [RecordLeaf] = []
    try rig.writing { leaves = try AuditRig.leaves(try $0.stream(StreamName(Signed.name))) }
    let gap = try #require(leaves.first { $0.kind == .gap })
    try signed.sign()
    let made = try signed.proof(of: gap.offset, under: signed.notes[1])
    #expect(try Self.check(made, signed.key) == gap)
    try rig.state([
      (1, .redaction(RecordRedaction(time: 8, leaf: leaves[3], reason: "a secret")))
    ])
    try signed.sign()
    let redacted = try signed.proof(of: 3, under: signed.notes[1])
    #expect(try Self.check(redacted, signed.key) == leaves[3])
  }
}

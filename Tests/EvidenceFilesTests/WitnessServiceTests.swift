import Cryptography
import EvidenceFiles
import Integrity
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@Suite struct WitnessServiceTests {
  private static let origin = "example.com/log"

  private struct Rig {
    var disk = SimulatedFileSystem()
    let time = ManualTime()
    let log: NoteSignerKey
    let key: NoteSignerKey
    var tree = StoredTree()

    init() throws {
      log = try NoteSignerKey(
        name: #require(KeyName(origin)), seed: [UInt8](repeating: 1, count: 32))
      key = try NoteSignerKey(
        name: #require(KeyName("witness.example/one")), kind: .ed25519Cosignature,
        seed: [UInt8](repeating: 2, count: 32))
      tree.append((0..<100).map { MerkleTree.leafHash([UInt8($0)]) })
      try disk.makeDirectory(path: "/witness")
      try disk.synchronizeParent(ofDirectoryAt: "/witness")
      time.setWallClock(Timestamp(rawValue: 1_727_964_367_000_000_000))
    }

    func service() throws -> WitnessService {
      try WitnessService(
        key: key, logs: [.init(origin: origin, keys: [log.verifier])], folder: "/witness",
        fileSystem: disk, time: time)
    }

    func request(from old: UInt64, to size: UInt64) throws -> WitnessRequest {
      var note = try SignedNote(
        text: Checkpoint(origin: origin, size: size, root: tree.root(atSize: size)).text)
      try note.sign(with: log)
      return WitnessRequest(
        oldSize: old, path: tree.consistencyProof(oldSize: old, size: size).path, note: note)
    }
  }

  @Test func `a cosignature verifies, and what was seen survives the witness`() throws {
    var rig = try Rig()
    var seen: UInt64 = 0
    for size in [1, 5, 5, 64, 100] as [UInt64] {
      let service = try rig.service()
      let request = try rig.request(from: seen, to: size)
      let answer = service.addCheckpoint(request.encoded)
      #expect(answer.status == 200 && answer.contentType.hasPrefix("text/plain"))
      let cosigned = try SignedNote(request.note.encoded + answer.body)
      let found = try Cosignature.verified(cosigned, by: [rig.key.verifier])
      #expect(found.map(\.time) == [1_727_964_367])
      let name = SHA256.digest(Array(Self.origin.utf8)).description
      let latest = try SignedNote(#require(service.latestCheckpoint(name)))
      #expect(try latest.verified(by: [rig.log.verifier]).count == 1)
      #expect(try Cosignature.verified(latest, by: [rig.key.verifier]).count == 1)
      #expect(service.latestCheckpoint("0" + name.dropFirst()) == nil)
      seen = size
      // Whatever was answered is there after the power goes.
      rig.disk = rig.disk.crashImage(.loseAll, seed: size)
      let again = try rig.service().addCheckpoint(rig.request(from: 0, to: 2).encoded)
      #expect(again.status == 409 && again.body == Array("\(seen)\n".utf8))
      #expect(again.contentType == "text/x.tlog.size")
    }
  }

  @Test func `refusals have their status, and change nothing`() throws {
    let rig = try Rig()
    let service = try rig.service()
    #expect(try service.addCheckpoint(rig.request(from: 0, to: 50).encoded).status == 200)
    let before = rig.disk.contentDigest
    func status(_ body: [UInt8]) -> Int { service.addCheckpoint(body).status }
    #expect(status([]) == 400 && status(Array("old 50\n".utf8)) == 400)
    var request = try rig.request(from: 50, to: 60)
    request = WitnessRequest(oldSize: 50, path: [], note: request.note)
    #expect(status(request.encoded) == 422)
    let unsigned = try SignedNote(text: request.note.text)
    #expect(status(unsigned.encoded + Array("— other AAAAAAAA\n".utf8)) == 400)
    var foreign = unsigned
    try foreign.sign(
      with: NoteSignerKey(
        name: #require(KeyName(Self.origin)), seed: [UInt8](repeating: 9, count: 32)))
    #expect(
      status(WitnessRequest(oldSize: 50, path: [], note: foreign).encoded) == 403)
    var elsewhere = try SignedNote(
      text: Checkpoint(origin: "example.com/other", size: 60, root: Digest()).text)
    try elsewhere.sign(with: rig.log)
    #expect(
      status(WitnessRequest(oldSize: 50, path: [], note: elsewhere).encoded) == 404)
    #expect(rig.disk.contentDigest == before)
  }

  @Test func `a witness needs a key for cosignatures, and names of logs that differ in bytes`()
    throws
  {
    let rig = try Rig()
    #expect(throws: CheckpointFileError.wrongKey(name: rig.log.verifier.name)) {
      try WitnessService(
        key: rig.log, logs: [], folder: "/witness", fileSystem: rig.disk, time: rig.time)
    }
    // Equal as text.
    let names = ["caf\u{e9}", "cafe\u{301}"]
    let service = try WitnessService(
      key: rig.key, logs: names.map { .init(origin: $0, keys: [rig.log.verifier]) },
      folder: "/witness", fileSystem: rig.disk, time: rig.time)
    for (number, name) in names.enumerated() {
      var note = try SignedNote(
        text: Checkpoint(
          origin: name, size: UInt64(number), root: rig.tree.root(atSize: UInt64(number))
        )
        .text)
      try note.sign(with: rig.log)
      let request = WitnessRequest(oldSize: 0, path: [], note: note)
      #expect(service.addCheckpoint(request.encoded).status == 200)
      let file = SHA256.digest(Array(name.utf8)).description
      let latest = try SignedNote(#require(service.latestCheckpoint(file)))
      #expect(latest.text == note.text)
    }
  }

  @Test func `an answer that cannot be kept is not given`() throws {
    let rig = try Rig()
    let service = try rig.service()
    #expect(try service.addCheckpoint(rig.request(from: 0, to: 10).encoded).status == 200)
    rig.disk.failNext(.synchronizeData)
    let answer = try service.addCheckpoint(rig.request(from: 10, to: 20).encoded)
    #expect(answer.status == 500 && !answer.body.contains(0xe2))
    // It may have been kept or not: the size that counts is told, and from there it goes on.
    let conflict = try service.addCheckpoint(rig.request(from: 10, to: 30).encoded)
    #expect(conflict.status == 409)
    let size = try #require(UInt64(String(decoding: conflict.body.dropLast(), as: UTF8.self)))
    #expect(try service.addCheckpoint(rig.request(from: size, to: 30).encoded).status == 200)
  }
}

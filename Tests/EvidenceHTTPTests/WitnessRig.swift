#if HTTP
  import Cryptography
  import EvidenceFiles
  import EvidenceHTTP
  import Integrity
  import PlatformIO
  import SimulatedIO
  import Testing

  /// A log, its tree, and a witness on a simulated disk.
  struct WitnessRig {
    static let origin = "example.com/log"
    static let leaves = (0..<100).map { MerkleTree.leafHash([UInt8($0)]) }

    let disk = SimulatedFileSystem()
    let log: NoteSignerKey
    let key: NoteSignerKey
    let service: WitnessService
    var tree = StoredTree()

    init(number: UInt8 = 2) throws {
      log = try Self.logKey()
      key = try Self.witnessKey(number)
      tree.append(Self.leaves)
      try disk.makeDirectory(path: "/witness")
      try disk.synchronizeParent(ofDirectoryAt: "/witness")
      service = try WitnessService(
        key: key, logs: [.init(origin: Self.origin, keys: [log.verifier])], folder: "/witness",
        fileSystem: disk, time: ManualTime())
    }

    static func logKey(_ seed: UInt8 = 1) throws -> NoteSignerKey {
      try NoteSignerKey(
        name: #require(KeyName(origin)), seed: [UInt8](repeating: seed, count: 32))
    }

    static func witnessKey(_ number: UInt8) throws -> NoteSignerKey {
      try NoteSignerKey(
        name: #require(KeyName("witness.example/\(number)")), kind: .ed25519Cosignature,
        seed: [UInt8](repeating: number, count: 32))
    }

    static func path(of origin: String = origin) -> String {
      "/\(SHA256.digest(Array(origin.utf8)))/checkpoint"
    }

    func server(
      prefix: String = "", limits: WitnessServer.Limits = WitnessServer.Limits()
    ) throws -> WitnessServer {
      try WitnessServer(service, prefix: prefix, limits: limits)
    }

    func client(_ url: String, timeoutMilliseconds: UInt32 = 60_000) throws -> WitnessClient {
      try WitnessClient(url: url, key: key.verifier, timeoutMilliseconds: timeoutMilliseconds)
    }

    func note(_ size: UInt64, origin: String = origin) throws -> SignedNote {
      try Self.note(size, of: tree, origin: origin, by: log)
    }

    static func note(
      _ size: UInt64, of tree: StoredTree, origin: String = origin, by log: NoteSignerKey
    ) throws -> SignedNote {
      var note = try SignedNote(
        text: Checkpoint(origin: origin, size: size, root: tree.root(atSize: size)).text)
      try note.sign(with: log)
      return note
    }

    func request(from old: UInt64, to size: UInt64) throws -> WitnessRequest {
      WitnessRequest(
        oldSize: old, path: tree.consistencyProof(oldSize: old, size: size).path,
        note: try note(size))
    }
  }
#endif

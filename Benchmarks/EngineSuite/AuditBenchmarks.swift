internal import AuditVerification
import BenchmarkHarness
internal import CommitLog
internal import Cryptography
internal import EvidenceFiles
internal import Integrity
internal import LogCheckpoints
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// What verifying costs: whole stores, and single records with their proofs.
enum AuditBenchmarks {
  static var all: [Benchmark] { [audit, cold, warm, check] }

  private static let storedRecordCount = 2_000_000

  private static var audit: Benchmark {
    let peer = "libcrypto, two threads"
    return Benchmark(
      name: "audit/100B",
      workload: Workload(
        recordByteCount: 100, recordsPerIteration: storedRecordCount,
        storedRecordCount: storedRecordCount, durability: .readOnly),
      goals: [.atLeast(0.8, times: peer)],
      contenders: [
        Contender(peer, role: .peer, lifetime: .benchmark) { TwoThreads($0.workload) },
        Contender("piperoll-audit, chain", role: .ours, lifetime: .benchmark) {
          try AuditSession($0, .chain)
        },
        Contender("piperoll-audit, tree", role: .ours, lifetime: .benchmark) {
          try AuditSession($0, .tree)
        },
      ])
  }

  private static func proofs(_ name: String, _ contenders: [Contender]) -> Benchmark {
    Benchmark(
      name: name,
      workload: Workload(
        recordByteCount: 100, storedRecordCount: storedRecordCount, durability: .readOnly),
      measure: .latency, contenders: contenders)
  }

  private static var cold: Benchmark {
    proofs(
      "proof/cold",
      [
        Contender("piperoll, store opened anew", role: .ours, lifetime: .benchmark) {
          try ProofSession($0, .cold)
        }
      ])
  }

  private static var warm: Benchmark {
    proofs(
      "proof/warm",
      [
        Contender("piperoll, any record", role: .ours, lifetime: .benchmark) {
          try ProofSession($0, .any)
        },
        Contender("piperoll, the last 50,000", role: .ours, lifetime: .benchmark) {
          try ProofSession($0, .recent)
        },
        Contender("piperoll, in the writer's process", role: .ours, lifetime: .benchmark) {
          try ProofSession($0, .writer)
        },
      ])
  }

  private static var check: Benchmark {
    proofs(
      "proof/check",
      [
        Contender("Ed25519 alone", role: .limit, lifetime: .benchmark) {
          try ProofSession($0, .signature)
        },
        Contender("piperoll", role: .ours, lifetime: .benchmark) { try ProofSession($0, .check) },
      ])
  }

  /// A store with records, closed.
  fileprivate static func makeStore(_ context: BenchmarkContext, _ evidence: EvidenceClass) throws {
    let (store, log) = try EngineCases.makeLog(context, .memory, evidence)
    for index in 0..<context.workload.storedRecordCount {
      _ = try log.append(context.payload.record(index))
    }
    _ = try store.stateHeads()
    store.close()
  }
}

/// Hashes as much as the evidence of the records takes, one message at a time, on two threads.
private final class TwoThreads: ContenderSession {
  private let sessions: [HashSession]

  init(_ workload: Workload) {
    sessions = (0..<2).map { _ in
      HashSession(.records, .portable, workload, recordCount: 1_024)
    }
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    let groups = iterations * 2_000_000 / 2 / 1_024
    let start = MonotonicClock.nanoseconds()
    let other = Spawned(sessions[1])
    let thread = try DedicatedThread.start(name: "hash") { other.run(groups) }
    _ = try sessions[0].run(iterations: groups, latencies: nil)
    thread.join()
    return MonotonicClock.nanoseconds() - start
  }

  func close() {}

  // Safety: used by the thread that was started alone, until it is joined.
  private final class Spawned: @unchecked Sendable {
    private let session: HashSession
    init(_ session: HashSession) { self.session = session }
    func run(_ count: Int) { _ = try? session.run(iterations: count, latencies: nil) }
  }
}

/// Audits a store.
private final class AuditSession: ContenderSession {
  private let path: String

  private struct NotProven: Error {
    let text: String
  }

  init(_ context: BenchmarkContext, _ evidence: EvidenceClass) throws {
    try AuditBenchmarks.makeStore(context, evidence)
    path = context.directory + "/store"
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    try stopwatch(iterations: iterations, recording: latencies) { _ in
      let outcome = try Audit(AuditOptions(path: path), fileSystem: PosixFileSystem()).run()
      guard outcome.report.findings.isEmpty else {
        throw NotProven(text: "\(outcome.report.findings)")
      }
    }
  }

  func close() {}
}

/// Makes proofs of records, or verifies them.
private final class ProofSession: ContenderSession {
  enum Task { case cold, any, recent, writer, check, signature }
  private static let origin = "log.example/bench"
  private struct Refused: Error {}

  private let task: Task
  private let path: String
  private let count: Int
  private let note: SignedNote
  private let key: NoteVerifierKey
  private let stream: StreamName
  private let store: Store
  private let reader: StoreReader
  private let file: [UInt8]
  private var noise = NoiseGenerator(seed: 3)

  init(_ context: BenchmarkContext, _ task: Task) throws {
    try AuditBenchmarks.makeStore(context, .tree)
    (self.task, path) = (task, context.directory + "/store")
    count = context.workload.storedRecordCount
    stream = try StreamName("benchmark")
    guard let name = KeyName(utf8: Self.origin.utf8) else { throw Refused() }
    let signer = try NoteSignerKey(name: name, seed: [UInt8](repeating: 7, count: 32))
    key = signer.verifier
    store = try Store.open(at: path)
    _ = try store.stream(stream)
    let checkpoints = try CheckpointFile(opening: "last", in: context.directory)
    note = try Checkpointer(store, origin: Self.origin, key: signer, file: checkpoints).checkpoint()
    reader = try StoreReader.open(at: path)
    file = try RecordProver(stream, of: reader).proof(of: Offset(rawValue: 4_711), under: note)
      .encoded
    if task != .writer { store.close() }
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    try stopwatch(iterations: iterations, recording: latencies) { _ in
      switch task {
      case .cold:
        _ = try RecordProver(stream, of: StoreReader.open(at: path)).proof(
          of: offset(among: count), under: note)
      case .any:
        _ = try RecordProver(stream, of: reader).proof(of: offset(among: count), under: note)
      case .recent:
        _ = try RecordProver(stream, of: reader).proof(of: offset(among: 50_000), under: note)
      case .writer:
        _ = try RecordProver(stream, of: store).proof(of: offset(among: 50_000), under: note)
      case .check:
        let proof = try ProofFile(file)
        guard let extra = proof.extra, let record = RecordProof(extra) else { return }
        try proof.verify(leaf: record.provenLeaf, origin: Self.origin, keys: [key])
        try record.verify(index: proof.index)
      case .signature:
        _ = try Checkpoint.verified(note, origin: Self.origin, keys: [key])
      }
    }
  }

  /// One of the last records.
  private func offset(among last: Int) -> Offset {
    Offset(rawValue: UInt64(count - 1 - noise.next(below: last)))
  }

  func close() { store.close() }
}

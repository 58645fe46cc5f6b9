import BenchmarkHarness
import Cryptography
import Integrity

/// What tamper evidence costs: hashing, without a store.
enum EvidenceBenchmarks {
  static var all: [Benchmark] { [records, tree, nodes, chunk, link] }

  private static let recordsPerIteration = 1_024

  private static func workload(_ byteCount: Int) -> Workload {
    Workload(
      recordByteCount: byteCount, recordsPerIteration: recordsPerIteration, durability: .readOnly)
  }

  /// Contenders that differ in how they hash; one message at a time is the peer.
  private static func contenders(_ task: HashSession.Task) -> [Contender] {
    SHA256.Kernel.allCases.filter { $0.isSupported && $0 != .plain }.map { kernel in
      let name =
        switch kernel {
        case .plain: "plain C"
        case .portable: "libcrypto, reused context"
        case .shaExtensions: "piperoll, SHA extensions"
        case .avx512: "piperoll, AVX-512"
        }
      return Contender(
        name, role: kernel == .portable ? .peer : .ours, lifetime: .benchmark
      ) { context in HashSession(task, kernel, context.workload) }
    }
  }

  private static let goals = [Goal.atLeast(1.8, times: "libcrypto, reused context")]

  /// Everything that the evidence of a record costs: commitment, leaf, nodes, and the link of its group.
  private static var records: Benchmark {
    Benchmark(
      name: "evidence/100B", workload: workload(100), goals: goals, contenders: contenders(.records)
    )
  }

  /// The leaf of a record and its share of the nodes above.
  private static var tree: Benchmark {
    Benchmark(
      name: "tree/100B", workload: workload(100), goals: goals, contenders: contenders(.tree))
  }

  private static var nodes: Benchmark {
    Benchmark(
      name: "tree/nodes", workload: workload(64), goals: goals, contenders: contenders(.nodes))
  }

  /// What the chain costs beside the tree: a link for a group of records.
  private static var link: Benchmark {
    Benchmark(
      name: "chain/link",
      workload: Workload(recordByteCount: 100, recordsPerIteration: 4_096, durability: .readOnly),
      contenders: [
        Contender("piperoll", role: .ours, lifetime: .benchmark) {
          HashSession(.link, .best, $0.workload)
        }
      ])
  }

  private static var chunk: Benchmark {
    Benchmark(
      name: "hash/4KiB", workload: workload(4_096), goals: [], contenders: contenders(.messages))
  }
}

/// Hashes the payload, over and over.
final class HashSession: ContenderSession {
  /// What is hashed.
  enum Task {
    /// Groups of records, as they become part of chain and tree.
    case records
    /// Leaves and all nodes above them.
    case tree
    /// Pairs of digests.
    case nodes
    /// Messages of their own.
    case messages
    /// The link of a group in the chain.
    case link
  }

  private let task: Task
  private let kernel: SHA256.Kernel
  private let bytes: [UInt8]
  private let ranges: [Range<Int>]
  private let digests: [Digest]
  private var frontier = TreeFrontier()
  private var hasher = LeafHasher()
  private var builder = EvidenceBuilder(
    storeID: [UInt8](repeating: 1, count: 16), streamID: 1, coverage: .tree)
  private var chain = HashChain()
  private var sum: UInt8 = 0

  init(
    _ task: Task, _ kernel: SHA256.Kernel, _ workload: Workload, recordCount: Int? = nil
  ) {
    self.task = task
    self.kernel = kernel
    let size = workload.recordByteCount
    let count = recordCount ?? workload.recordsPerIteration
    var noise = NoiseGenerator(seed: 7)
    bytes = (0..<(size * count)).map { _ in UInt8(noise.next(below: 256)) }
    ranges = (0..<count).map { ($0 * size)..<(($0 + 1) * size) }
    let all = bytes
    digests = (0..<(2 * count)).map { SHA256.digest([all[$0 % all.count], UInt8($0 & 0xff)]) }
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    // Copies of their own: the spans below must not outlive what they borrow.
    let (bytes, digests) = (bytes, digests)
    return stopwatch(iterations: iterations, recording: latencies) { _ in
      // Safety: bytes have no padding.
      let span = unsafe bytes.span.bytes
      switch task {
      case .records:
        group(in: span)
      case .tree:
        let leaves = MerkleTree.leafHashes(of: ranges, in: span, kernel: kernel)
        frontier.append(leaves, kernel: kernel)
      case .nodes:
        sum ^= MerkleTree.nodeHashes(of: digests.span, kernel: kernel)[0].bytes[0]
      case .link:
        let first = chain.count * UInt64(ranges.count)
        chain.append(
          GroupHeader(
            storeID: Array(digests[0].bytes.prefix(16)), streamID: 1, sequence: chain.count + 1,
            firstOffset: first, nextOffset: first + UInt64(ranges.count), firstAppendTime: 0,
            lastAppendTime: 1, recordCount: UInt64(ranges.count), treeSize: UInt64(ranges.count),
            root: digests[1]))
        sum ^= chain.head.bytes[0]
      case .messages:
        sum ^= SHA256.digests(of: ranges, in: span, kernel: kernel)[0].bytes[0]
      }
    }
  }

  /// All records as a group behind the last.
  private func group(in bytes: RawSpan) {
    let first = builder.state.nextOffset
    for (place, range) in ranges.enumerated() {
      hasher.addValue(
        offset: first + UInt64(place), appendTime: Int64(place), content: range)
    }
    let leaves = hasher.finish(in: bytes, kernel: kernel)
    builder.append(
      leaves, recordCount: leaves.count, appendTimes: (0, Int64(leaves.count - 1)),
      kernel: kernel)
    sum ^= builder.endGroup()?.head.bytes[0] ?? 0
  }

  func close() {}
}

import BenchmarkHarness
import CPeers

/// Appends, one by one and in batches, visible and durable.
enum WritingBenchmarks {
  static var all: [Benchmark] {
    [
      visibleAppend("append/100B/visible", byteCount: 100, timesLevelDB: 28, timesWrite: 10),
      visibleAppend("append/1KiB/visible", byteCount: 1024, timesLevelDB: 15, timesWrite: nil),
      visibleBatch, durableAppend, durableBatch,
    ]
  }

  private static let megabyte = 1 << 20

  private static func visibleAppend(
    _ name: String, byteCount: Int, timesLevelDB: Double, timesWrite: Double?
  ) -> Benchmark {
    var goals = [Goal.atLeast(timesLevelDB, times: "LevelDB")]
    if let timesWrite { goals.append(.atLeast(timesWrite, times: "write(2) per record")) }
    return Benchmark(
      name: name, workload: Workload(recordByteCount: byteCount, durability: .visible),
      goals: goals,
      contenders: [
        FileLimit.contender(
          "write(2) per record",
          .init(call: .write, callByteCount: byteCount, isPrewritten: false)),
        FileLimit.contender(
          "write(2) per record, recycled file",
          .init(call: .write, callByteCount: byteCount, isPrewritten: true)),
        MapLimit.contender("prepared mapping in C", .append),
        PeerSession.contender("LevelDB", PEER_LEVELDB, .append),
      ] + EngineCases.contenders(for: name))
  }

  private static var visibleBatch: Benchmark {
    let name = "batch1000x100B/visible"
    return Benchmark(
      name: name,
      workload: Workload(recordByteCount: 100, recordsPerIteration: 1000, durability: .visible),
      goals: [.atLeast(4, times: "LMDB"), .atLeast(35, times: "RocksDB")],
      contenders: [
        FileLimit.contender(
          "write(2) of 1 MiB", recordsPerIteration: megabyte / 100,
          .init(call: .write, callByteCount: megabyte, isPrewritten: false)),
        FileLimit.contender(
          "write(2) of 1 MiB, recycled file", recordsPerIteration: megabyte / 100,
          .init(
            call: .write, callByteCount: megabyte, isPrewritten: true, fillByteCount: megabyte)),
        MapLimit.contender("prepared mapping in C", .append),
        PeerSession.contender("LMDB", PEER_LMDB, .append),
        PeerSession.contender("RocksDB", PEER_ROCKSDB, .append),
      ] + EngineCases.contenders(for: name))
  }

  private static var durableAppend: Benchmark {
    let name = "append/100B/durable"
    func limit(_ label: String, _ call: FileLimit.Call, _ size: Int, direct: Bool = false)
      -> Contender
    {
      FileLimit.contender(
        label, .init(call: call, callByteCount: size, isPrewritten: true, isDirect: direct))
    }
    return Benchmark(
      name: name, workload: Workload(recordByteCount: 100, durability: .durable),
      measure: .latency,
      goals: [
        .atLeast(0.9, times: "pwrite+fdatasync 200 B"), .atLeast(1.5, times: "SQLite"),
      ],
      contenders: [
        limit("pwrite+fdatasync 200 B", .pwriteAndDataSync, 200),
        limit("pwrite+fdatasync 4 KiB", .pwriteAndDataSync, 4096),
        limit("RWF_DSYNC 200 B", .pwriteSynchronously, 200),
        limit("RWF_DSYNC 4 KiB", .pwriteSynchronously, 4096),
        limit("O_DIRECT|RWF_DSYNC 4 KiB", .pwriteSynchronously, 4096, direct: true),
        PeerSession.contender("SQLite", PEER_SQLITE, .append),
        PeerSession.contender("LMDB", PEER_LMDB, .append),
      ] + EngineCases.contenders(for: name))
  }

  private static var durableBatch: Benchmark {
    let name = "batch1000x100B/durable"
    return Benchmark(
      name: name,
      workload: Workload(recordByteCount: 100, recordsPerIteration: 1000, durability: .durable),
      measure: .latency,
      goals: [.atLeast(2, times: "LMDB"), .atLeast(10, times: "RocksDB")],
      contenders: [
        FileLimit.contender(
          "pwrite+fdatasync 1 MiB", recordsPerIteration: megabyte / 100,
          .init(
            call: .pwriteAndDataSync, callByteCount: megabyte, isPrewritten: true,
            fillByteCount: megabyte, capacity: 128 * megabyte)),
        FileLimit.contender(
          "pwrite+fdatasync 100 kB",
          .init(
            call: .pwriteAndDataSync, callByteCount: 100_000, isPrewritten: true,
            capacity: 128 * megabyte)),
        PeerSession.contender("LMDB", PEER_LMDB, .append),
        PeerSession.contender("RocksDB", PEER_ROCKSDB, .append),
      ] + EngineCases.contenders(for: name))
  }
}

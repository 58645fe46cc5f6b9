import BenchmarkHarness
import CPeers

/// Replay and random reads of stored records that are in the cache.
enum ReadingBenchmarks {
  static func all(storedRecordCount: Int) -> [Benchmark] {
    [replay(storedRecordCount), randomRead(storedRecordCount)]
  }

  private static func replay(_ storedRecordCount: Int) -> Benchmark {
    let name = "replay/100B/in-cache"
    return Benchmark(
      name: name,
      workload: Workload(
        recordByteCount: 100, recordsPerIteration: storedRecordCount,
        storedRecordCount: storedRecordCount, durability: .readOnly),
      goals: [.atLeast(2, times: "LMDB"), .atLeast(12, times: "RocksDB")],
      contenders: [
        MapLimit.contender("hop-scan in C, verified", .scan(verified: true)),
        MapLimit.contender("hop-scan in C, unverified", .scan(verified: false)),
        PeerSession.contender("LMDB", PEER_LMDB, .replay),
        PeerSession.contender("LevelDB", PEER_LEVELDB, .replay),
        PeerSession.contender("RocksDB", PEER_ROCKSDB, .replay),
      ] + EngineCases.contenders(for: name))
  }

  private static func randomRead(_ storedRecordCount: Int) -> Benchmark {
    let name = "random-read/100B/in-cache"
    return Benchmark(
      name: name,
      workload: Workload(
        recordByteCount: 100, storedRecordCount: storedRecordCount, durability: .readOnly),
      goals: [.atLeast(5.5, times: "LMDB")],
      contenders: [
        MapLimit.contender("mapped array in C", .randomRead),
        PeerSession.contender("LMDB", PEER_LMDB, .randomRead),
        PeerSession.contender("LevelDB", PEER_LEVELDB, .randomRead),
        PeerSession.contender("RocksDB", PEER_ROCKSDB, .randomRead),
      ] + EngineCases.contenders(for: name))
  }
}

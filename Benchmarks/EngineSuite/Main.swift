import BenchmarkHarness
import CPeers
import Glibc

@main
enum Main {
  static func main() {
    if let request = ReopenChild(CommandLine.arguments) { request.run() }
    if let request = AuditChild(CommandLine.arguments) { request.run() }
    if let request = ReadingChild(CommandLine.arguments) { request.run() }
    let libraries = [PEER_ROCKSDB, PEER_LEVELDB, PEER_LMDB, PEER_SQLITE]
      .map { unsafe String(cString: peer_name($0)) }.joined(separator: ", ")
    let status = BenchmarkCommand.run(libraries: libraries) { sizes in
      WritingBenchmarks.all + ReadingBenchmarks.all(storedRecordCount: sizes.storedRecordCount)
        + EvidenceBenchmarks.all + AuditBenchmarks.all + MachineBenchmarks.all
        + EngineCases.additionalBenchmarks
    }
    exit(status)
  }
}

import CommitLog
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@Suite struct RemoteStreamSuccessorsTests {
  @Test(arguments: [
    Durability.memory, .async(maxDelayNanoseconds: 1_000_000_000, maxByteCount: 1 << 20),
  ])
  func `a reader finds the segments a killed writer had gone on to`(
    _ durability: Durability
  ) throws {
    let count = 2_000
    try withStream(small(durability)) { machine, log in
      for index in 0..<count {
        try log.append(bytes("record number \(index) with so many bytes that segments roll"))
      }
      let image = machine.disk.crashImage(.processKill)
      let visible = log.visibleOffset
      var environment = machine.environment
      environment.fileSystem = image
      let store = try StoreReader.open(
        at: "/data/s", options: machine.options, environment: environment)
      var reader = try store.makeReader(of: StreamName("s"))
      let records = try reader.records(max: .max)
      #expect(UInt64(records.count) == visible.rawValue && records.count == count)
      #expect(records.enumerated().allSatisfy { $1.offset.rawValue == UInt64($0) })
      // So do a verification and recovery.
      let report = try StoreVerification.run(
        at: "/data/s", options: machine.options, environment: environment)
      #expect(report.isSound && report.recordCount == visible.rawValue, "\(report.findings)")
      let recovered = try Store.open(
        at: "/data/s", options: machine.options, environment: environment)
      defer { recovered.close() }
      #expect(try recovered.stream(StreamName("s")).logEndOffset == visible)
    }
  }
}

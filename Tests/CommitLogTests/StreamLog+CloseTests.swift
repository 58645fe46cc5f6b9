import CommitLog
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@Suite struct StreamLogCloseTests {
  static let asyncClass = Durability.async(
    maxDelayNanoseconds: 1_000_000_000, maxByteCount: 1 << 20)

  /// Files of the stream's segments, oldest first.
  static func segments(_ machine: Machine) -> [String] {
    machine.disk.paths.filter { $0.contains("/s/0") && $0.hasSuffix(".seg") }.sorted()
  }

  /// Settings of a stream that goes on to another segment after ten records.
  static func rolling(_ durability: Durability) -> StreamOptions {
    var options = small(durability)
    options.rollRecordCount = 10
    return options
  }

  static func reopen(_ machine: Machine, _ image: SimulatedFileSystem) throws -> Store {
    var environment = machine.environment
    environment.fileSystem = image
    return try Store.open(at: "/data/s", options: machine.options, environment: environment)
  }

  @Test func `a removal keeps the segment behind which the manifest knows no other`() throws {
    try withStream(Self.rolling(Self.asyncClass)) { machine, log in
      for index in 0..<15 { try log.append(bytes("record \(index)")) }
      machine.disk.faultPlan = .failing(
        .synchronizeData, paths: .matching { $0.contains("/s/0") }, forever: true)
      #expect(throws: AppendError.self) { try log.flush() }
      machine.disk.faultPlan = .none
      #expect(try log.removeSegments(before: log.visibleOffset).removed == 0)
      let store = try Self.reopen(machine, machine.disk.crashImage(.processKill))
      defer { store.close() }
      #expect(try store.stream(StreamName("s")).logEndOffset == log.visibleOffset)
    }
  }

  @Test func `a removal keeps the newest segment that holds the table of producers`() throws {
    try withStream(Self.rolling(Self.asyncClass)) { machine, log in
      let stamp = ProducerStamp(id: 7, epoch: 1, sequence: 0)
      _ = try log.append(copying: bytes("stamped"), producer: stamp)
      for index in 0..<15 { try log.append(bytes("record \(index)")) }
      let newest = try #require(Self.segments(machine).dropFirst().first)
      machine.disk.faultPlan = .failing(
        .synchronizeData, paths: .matching { $0 == newest }, forever: true)
      #expect(throws: AppendError.self) { try log.flush() }
      machine.disk.faultPlan = .none
      _ = try log.removeSegments(before: log.visibleOffset)
      let store = try Self.reopen(machine, machine.disk.crashImage(.loseAll))
      defer { store.close() }
      #expect(try store.stream(StreamName("s")).producerState(7)?.lastSequence == 0)
    }
  }
}

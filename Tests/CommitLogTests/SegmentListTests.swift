import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import CommitLog

@Suite struct SegmentListTests {
  /// A store whose stream has a segment of usual size, a large one, and a usual one again.
  private func machine(_ durability: Durability) throws -> Machine {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try store.createStream(StreamName("s"), options: small(durability))
    for index in 0..<10 { try log.append(bytes("before \(index)")) }
    try log.append([UInt8](repeating: 1, count: 300_000))
    for _ in 0..<40 { try log.append([UInt8](repeating: 2, count: 10_000)) }
    try log.flush()
    store.close()
    return machine
  }

  @Test(arguments: everyClass)
  func `segments over the limits of an opening are refused and not removed`(
    _ durability: Durability
  ) throws {
    var machine = try machine(durability)
    let options = machine.options
    let files = try SegmentRecoveryTests.files(machine)
    machine.options.limits.segmentByteCountLimit = 128 << 10
    let reader = try StoreReader.open(
      at: "/data/s", options: machine.options, environment: machine.environment)
    let name = try StreamName("s")
    var isRefused = false
    do throws(ReadError) {
      var log = try reader.makeReader(of: name)
      while try log.read({ _ in }) > 0 {}
    } catch {
      guard case .open(.overLimit) = error else { throw error }
      isRefused = true
    }
    #expect(isRefused)
    // The last segment is of usual size: the stream opens, and says so when it is read.
    let store = try machine.open()
    let log = try store.stream(StreamName("s"))
    #expect(throws: ReadError.self) {
      var reader = try log.makeReader()
      while try reader.read({ _ in }) > 0 {}
    }
    #expect(log.logEndOffset.rawValue == 51)
    store.close()
    for path in files.keys { #expect(machine.disk.exists(path)) }
    machine.options = options
    let again = try machine.open()
    #expect(try values(opened(again)).count == 51)
    again.close()
    try expectSound(machine)
  }

  @Test(arguments: everyClass)
  func `an active segment over the limits of an opening is refused and not removed`(
    _ durability: Durability
  ) throws {
    try withStream(small(durability)) { machine, log in
      try log.append([UInt8](repeating: 1, count: 300_000))
      try log.flush()
      var killed = machine.crashed(.processKill)
      let before = try SegmentRecoveryTests.files(killed)
      killed.options.limits.segmentByteCountLimit = 128 << 10
      for _ in 0..<2 { #expect(try SegmentRecoveryTests.isRefused(killed)) }
      #expect(try SegmentRecoveryTests.files(killed) == before)
      killed.options = machine.options
      let store = try killed.open()
      #expect(try opened(store).logEndOffset.rawValue == 1)
      store.close()
      try expectSound(killed)
    }
  }

  @Test func `a verification that cannot look at a segment for its limits does not call it sound`()
    throws
  {
    var machine = try machine(.disk)
    machine.options.limits.segmentByteCountLimit = 128 << 10
    #expect(throws: OpenError.self) {
      _ = try StoreVerification.run(
        at: "/data/s", options: machine.options, environment: machine.environment)
    }
  }
}

import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import CommitLog

/// What opening a stream does with files that are not what the manifest expects.
@Suite struct StreamOpenerTests {
  /// A store that was closed in order, with ten records in its stream.
  private func closedStore(_ durability: Durability) throws -> Machine {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try store.createStream(StreamName("s"), options: small(durability))
    for number in 0..<10 { try log.append(bytes("record \(number)")) }
    try log.flush()
    try log.provideSuccessor(minimumByteCount: 0)
    store.close()
    return machine
  }

  /// Paths of the active segment and of the one prepared to follow it.
  private func files(_ machine: Machine) throws -> (active: String, prepared: String) {
    let reader = try StoreReader.open(
      at: "/data/s", options: machine.options, environment: machine.environment)
    let stream = try #require(reader.manifest.streams.values.first)
    func path(_ id: UInt64) -> String {
      reader.directory.segmentPath(streamID: stream.definition.streamID, segmentID: id)
    }
    return (
      path(try #require(stream.segments.last).id),
      path(try #require(stream.prepared.first).segmentID)
    )
  }

  /// Whether reading the stream from its start ends with an error that names a file, and no record.
  private func readingFails(_ machine: Machine) throws -> Bool {
    let reader = try StoreReader.open(
      at: "/data/s", options: machine.options, environment: machine.environment)
    let name = try StreamName("s")
    do throws(ReadError) {
      var log = try reader.makeReader(of: name)
      _ = try log.read { _ in }
      return false
    } catch {
      return error.description.contains("/data/s/s/")
    }
  }

  @Test(arguments: everyClass)
  func `foreign bytes in place of the active segment are an error, not an empty stream`(
    _ durability: Durability
  ) throws {
    let machine = try closedStore(durability)
    let active = try files(machine).active
    try machine.disk.replaceFile(active, with: Array(repeating: 0x5a, count: 100_000))
    #expect(try readingFails(machine))
    let store = try machine.open()
    #expect(throws: OpenError.self) { try store.stream(StreamName("s")) }
    store.close()
    #expect(try machine.disk.readFile(active).first == 0x5a)
  }

  @Test(arguments: everyClass)
  func `a segment exchanged with the one prepared to follow it is found and kept`(
    _ durability: Durability
  ) throws {
    let machine = try closedStore(durability)
    let (active, prepared) = try files(machine)
    let taken = try machine.disk.readFile(active)
    try machine.disk.replaceFile(active, with: machine.disk.readFile(prepared))
    try machine.disk.replaceFile(prepared, with: taken)
    #expect(try readingFails(machine))
    let store = try machine.open()
    #expect(throws: OpenError.self) { try store.stream(StreamName("s")) }
    store.close()
    #expect(try machine.disk.readFile(prepared) == taken)
  }

  @Test func `a successor that holds records is set aside when it cannot be adopted`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try store.createStream(StreamName("s"), options: small(.memory))
    var count = 0
    let first = log.state.withLock { $0.segment.path }
    // The segment is left without waiting for the manifest.
    repeat {
      try log.append(Array(repeating: 7, count: 4_000))
      count += 1
    } while log.state.withLock({ $0.segment.path == first }) && count < 100
    let later = log.state.withLock { $0.segment.path }
    try log.append(bytes("in the successor"))
    #expect(later != first)
    let killed = try Self.killed(machine)
    // The end of the segment before it is lost, so that the offsets do not meet.
    try killed.disk.fill(first, at: 40_000, count: 20_000, with: 0)
    let again = try killed.open()
    _ = try again.stream(StreamName("s"))
    again.close()
    let kept = killed.disk.paths.filter { $0.hasPrefix("/data/s/q/") || $0 == later }
    let text = bytes("in the successor")
    #expect(try kept.contains { try killed.disk.readFile($0).firstRange(of: text) != nil })
    store.close()
  }

  /// The machine as it is when its process is killed.
  private static func killed(_ machine: Machine) throws -> Machine {
    var killed = Machine()
    killed.disk = machine.disk.crashImage(.processKill)
    return killed
  }

  @Test func `a last group that cannot be judged is reported to readers and by recovery`() throws {
    let machine = try closedStore(.memory)
    let active = try files(machine).active
    // Both slots are gone: nothing proves the only group, and its first record does not hold.
    for slot in SegmentLayout.slotPositions {
      try machine.disk.fill(active, at: Int(slot), count: 4_096, with: 0)
    }
    try machine.disk.flipBit(active, byte: SegmentLayout.preambleByteCount + 20, bit: 1)
    #expect(try readingFails(machine))
    let store = try machine.open()
    let log = try store.stream(StreamName("s"))
    #expect(log.recovery.undecidableByteCount > 0)
    store.close()
  }

  @Test func `a successor that cannot be opened for want of descriptors is not given up`() throws {
    try withStream(StreamLogCloseTests.rolling(.memory)) { machine, log in
      for index in 0..<15 { try log.append(bytes("record \(index)")) }
      let newest = try #require(StreamLogCloseTests.segments(machine).dropFirst().first)
      let image = machine.disk.crashImage(.processKill)
      image.faultPlan = .failing(
        .open, with: .tooManyOpenFiles, paths: .matching { $0 == newest }, forever: true)
      let store = try StreamLogCloseTests.reopen(machine, image)
      #expect(throws: OpenError.self) { try store.stream(StreamName("s")) }
      image.faultPlan = .none
      #expect(try store.stream(StreamName("s")).logEndOffset == log.visibleOffset)
      store.close()
    }
  }
}

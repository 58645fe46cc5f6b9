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
    // Killed before anything proved its only group, whose first record does not hold.
    try withStream(small(.memory)) { machine, log in
      for number in 0..<10 { try log.append(bytes("record \(number)")) }
      try log.flush()
      let active = log.state.withLock { $0.segment.path }
      let killed = try Self.killed(machine)
      try killed.disk.flipBit(active, byte: SegmentLayout.preambleByteCount + 20, bit: 1)
      #expect(try readingFails(killed))
      let store = try killed.open()
      #expect(try store.stream(StreamName("s")).recovery.undecidableByteCount > 0)
      store.close()
    }
  }

  /// Damages that leave nothing in a file from which its former records could be told.
  enum Zeroing: String, CaseIterable {
    case everything, slotsAndFrames
  }

  @Test(arguments: everyClass, Zeroing.allCases)
  func
    `a file of zeros in place of a closed segment is damage, and its offsets are not given again`(
      _ durability: Durability, _ zeroing: Zeroing
    ) throws
  {
    let machine = try closedStore(durability)
    let active = try files(machine).active
    let size = try machine.disk.readFile(active).count
    switch zeroing {
    case .everything: try machine.disk.fill(active, at: 0, count: size, with: 0)
    case .slotsAndFrames:
      let start = SegmentLayout.preambleByteCount
      try machine.disk.fill(active, at: 4_096, count: 8_192, with: 0)
      try machine.disk.fill(active, at: start, count: size - start, with: 0)
    }
    let lost = Offset.zero..<Offset(rawValue: 10)
    #expect(try damagedOffsets(machine) == [lost])
    let report = try StoreVerification.run(
      at: "/data/s", options: machine.options, environment: machine.environment)
    #expect(report.findings.contains { $0.firstOffset..<$0.nextOffset == lost })

    let store = try machine.open()
    let log = try store.stream(StreamName("s"))
    #expect(log.recovery.damaged.map { $0.firstOffset..<$0.nextOffset } == [lost])
    #expect(try log.append(bytes("later")) == lost.upperBound)
    store.close()
    #expect(try damagedOffsets(machine) == [lost])
  }

  @Test func `what recovery found durable is known when the file is lost before the next opening`()
    throws
  {
    try withStream(small()) { machine, log in
      for number in 0..<10 { try log.append(bytes("record \(number)")) }
      try log.flush()
      let active = log.state.withLock { $0.segment.path }
      let killed = try Self.killed(machine)
      let store = try killed.open()
      _ = try store.stream(StreamName("s"))
      let again = try Self.killed(killed)
      try again.disk.fill(active, at: 0, count: again.disk.readFile(active).count, with: 0)
      #expect(try damagedOffsets(again) == [.zero..<Offset(rawValue: 10)])
      store.close()
    }
  }

  /// The offsets that reading from the start reports as damaged.
  private func damagedOffsets(_ machine: Machine) throws -> [Range<Offset>] {
    let reader = try StoreReader.open(
      at: "/data/s", options: machine.options, environment: machine.environment)
    var log = try reader.makeReader(of: StreamName("s"))
    var found: [Range<Offset>] = []
    while true {
      do throws(ReadError) {
        if try log.read({ _ in }) == 0 { return found }
      } catch {
        guard case .damaged(let report) = error, found.count < 100 else { throw error }
        found.append(report.firstOffset..<report.nextOffset)
      }
    }
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

  @Test func `what class memory had left unsynced is durable before what follows counts so`() throws
  {
    try withStream(StreamLogCloseTests.rolling(.memory)) { machine, log in
      for index in 0..<35 { try log.append(bytes("record \(index)")) }
      // As the thread that commits does: the manifest learns of the segments, no file is synced.
      log.committing.withLock { _ = log.commitOnce(&$0, durably: false) }
      #expect(log.durableOffset == .zero)
      let killed = machine.crashed(.processKill)
      #expect(
        try killed.storedStream().segments.map { $0.end?.reason }.prefix(3) == [
          .sealed, .sealed, .sealed,
        ])
      for isAppending in [false, true] {
        let reopened = killed.crashed(.processKill)
        let store = try reopened.open()
        let again = try opened(store)
        #expect(again.logEndOffset.rawValue == 35)
        if isAppending { for index in 35..<48 { try again.append(bytes("record \(index)")) } }
        try again.flush()
        #expect(again.durableOffset == again.logEndOffset)
        let cut = reopened.crashed(.loseAll)
        let last = try cut.open()
        let count = Int(again.durableOffset.rawValue)
        #expect(try values(opened(last)) == (0..<count).map { "record \($0)" })
        last.close()
        try expectSound(cut)
        store.abandon()
      }
    }
  }

  @Test func `a missing segment of class memory does not keep those before it from being synced`()
    throws
  {
    try withStream(StreamLogCloseTests.rolling(.memory)) { machine, log in
      for index in 0..<35 { try log.append(bytes("record \(index)")) }
      log.committing.withLock { _ = log.commitOnce(&$0, durably: false) }
      let killed = machine.crashed(.processKill)
      try killed.disk.removeFile(killed.segmentPaths()[2])
      let store = try killed.open()
      try store.stream(StreamName("s")).flush()
      let cut = killed.crashed(.loseAll)
      let last = try cut.open()
      var reader = try last.stream(StreamName("s")).makeReader()
      #expect(try reader.records(max: 20).map(\.offset.rawValue) == Array(0..<20))
      last.close()
      store.abandon()
    }
  }
}

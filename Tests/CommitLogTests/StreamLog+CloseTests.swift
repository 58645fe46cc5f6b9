import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Synchronization
import Testing

@testable import CommitLog

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

  @Test(arguments: everyClass)
  func `a stream that outlives its store changes no file`(_ durability: Durability) throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try store.createStream(StreamName("s"), options: Self.rolling(durability))
    for index in 0..<35 { try log.append(bytes("record \(index)")) }
    try log.flush()
    store.close()
    func tryAll() throws {
      let before = machine.disk.contentDigest
      do throws(AppendError) {
        _ = try log.removeSegments(before: log.visibleOffset)
        Issue.record("segments were removed")
      } catch {
        guard case .closed = error else { throw error }
      }
      log.prepareAhead()
      try? log.makeRoomBlocking()
      #expect(throws: AppendError.self) { try log.append(bytes("late")) }
      #expect(machine.disk.contentDigest == before)
    }
    try tryAll()
    // Not in the files of the next opening either.
    let next = try machine.open()
    let again = try opened(next)
    for index in 0..<5 { try again.append(bytes("next \(index)")) }
    try again.flush()
    try tryAll()
    #expect(try values(again).count == 40)
    next.close()
    try expectSound(machine)
  }

  // MARK: Files of removed segments

  /// Names of the files kept to be used again.
  private static func spares(_ machine: Machine) -> [String] {
    machine.disk.paths.filter { $0.hasPrefix("/data/s/\(StoreDirectory.spareName)/") }
  }

  /// A reader that stands in the first segment of a stream.
  private enum Standing: CaseIterable {
    case nowhere, inThisProcess, inThisProcessAfterRelease, elsewhere
  }

  @Test(arguments: Standing.allCases)
  private func `the file of a removed segment is used again only when nobody reads it`(
    _ standing: Standing
  ) throws {
    try withStream(Self.rolling(.disk)) { machine, log in
      for index in 0..<35 {
        try log.append(bytes("record \(index)"))
        try log.flush()
      }
      var options = ReaderOptions()
      options.takesLease = false
      let first = try #require(Self.segments(machine).first)
      let readers = try StoreReader.open(
        at: "/data/s", options: machine.options, environment: machine.environment)
      var reader =
        standing == .elsewhere
        ? try readers.makeReader(of: StreamName("s"), options: options)
        : try log.makeReader(options: options)
      if standing != .nowhere { #expect(try reader.read(max: 3) { _ in } == 3) }
      if standing == .inThisProcessAfterRelease {
        // The list of segments lets go of it; the reader does not.
        for entry in log.segments.all { _ = (entry.release(), entry.release()) }
      }
      #expect(try log.removeSegments(before: Offset(rawValue: 10)).removed == 1)
      #expect(!machine.disk.exists(first))
      #expect(Self.spares(machine).count == (standing == .nowhere ? 1 : 0))
      // Segments to come would be written to what was kept.
      for index in 0..<30 { try log.append(bytes("later \(index)")) }
      try log.flush()
      if standing == .nowhere { return #expect(Self.spares(machine).isEmpty) }
      // A reader without shared memory looks for more only now and then.
      machine.time.advance(byNanoseconds: 1_000_000_000)
      var texts: [String] = []
      _ = try reader.read { texts.append(String(decoding: $0.copyValue(), as: UTF8.self)) }
      #expect(texts == (3..<35).map { "record \($0)" } + (0..<30).map { "later \($0)" })
    }
  }

  /// Expects that an opening leaves no file of a stream that the manifest does not know.
  private func expectTidy(_ machine: Machine, _ log: StreamLog) throws {
    let store = try machine.open()
    #expect(try opened(store).logEndOffset == log.logEndOffset)
    store.close()
    try expectSound(machine)
    let stream = try machine.storedStream()
    let known = try machine.segmentPaths().count + stream.prepared.count
    #expect(Self.segments(machine).count == known)
  }

  @Test(arguments: everyClass)
  func `files that a removal could not unlink go with the next opening`(_ durability: Durability)
    throws
  {
    try withStream(Self.rolling(durability)) { machine, log in
      for index in 0..<35 { try log.append(bytes("record \(index)")) }
      try log.flush()
      let first = try #require(Self.segments(machine).first)
      let stuck = FaultPlan(
        [FileSystemError.Operation.unlink, .rename].map {
          FaultPlan.Fault(
            .occurrence($0, index: 1), paths: .matching { $0.contains("/s/0") }, isPermanent: true)
        })
      machine.disk.faultPlan = stuck
      #expect(try log.removeSegments(before: Offset(rawValue: 20)).removed == 2)
      machine.disk.faultPlan = .none
      #expect(machine.disk.exists(first))
      #expect(log.logStartOffset.rawValue == 20)
      for plan in [CrashPlan.processKill, .loseAll, .keepAll] {
        let crashed = machine.crashed(plan)
        #expect(crashed.disk.exists(first))
        // As long as they cannot go they are in nobody's way.
        crashed.disk.faultPlan = stuck
        let store = try crashed.open()
        #expect(try opened(store).logEndOffset == log.logEndOffset)
        store.close()
        crashed.disk.faultPlan = .none
        #expect(crashed.disk.exists(first))
        try expectTidy(crashed, log)
        #expect(!crashed.disk.exists(first))
      }
    }
  }

  @Test(arguments: everyClass)
  func `files that a power cut brings back go with the next opening`(_ durability: Durability)
    throws
  {
    try withStream(Self.rolling(durability)) { machine, log in
      for index in 0..<35 { try log.append(bytes("record \(index)")) }
      try log.flush()
      let first = try #require(Self.segments(machine).first)
      machine.disk.faultPlan = .failing(
        .synchronizeDirectory, paths: .matching { $0.contains("/s/0") }, forever: true)
      #expect(try log.removeSegments(before: Offset(rawValue: 20)).removed == 2)
      machine.disk.faultPlan = .none
      let crashed = machine.crashed(.loseAll)
      #expect(!machine.disk.exists(first) && crashed.disk.exists(first))
      try expectTidy(crashed, log)
      #expect(!crashed.disk.exists(first))
    }
  }

  @Test(arguments: everyClass)
  func `wherever the power goes in a removal no file is forgotten`(_ durability: Durability) throws
  {
    try withStream(Self.rolling(durability)) { machine, log in
      for index in 0..<35 { try log.append(bytes("record \(index)")) }
      try log.flush()
      let disk = machine.disk
      let images = Mutex<[SimulatedFileSystem]>([])
      disk.observeOperations { operation in
        let seed = UInt64(operation.number)
        let some = [CrashPlan.processKill, .loseAll, .keepAll].map {
          disk.crashImage($0, seed: seed)
        }
        let others = (0..<8).map { disk.crashImage(.random, seed: seed << 8 | $0) }
        images.withLock { $0 += some + others }
      }
      #expect(try log.removeSegments(before: log.visibleOffset).removed >= 2)
      disk.observeOperations(nil)
      let all = images.withLock { $0 }
      #expect(all.count >= 16)
      for image in all {
        var cut = machine
        cut.disk = image
        try expectTidy(cut, log)
      }
    }
  }

  @Test func `the last slots of a sealed segment are written one after the other`() throws {
    let machine = Machine()
    try machine.create()
    let seen = Mutex<[String]>([])
    for isLast in [false, true] {
      let store = try machine.open()
      defer { store.close() }
      let log = try store.createStream(StreamName("s"), options: Self.rolling(.disk))
      let first = try #require(Self.segments(machine).first)
      machine.disk.observeOperations { operation in
        guard operation.path == first, [.write, .synchronizeData].contains(operation.kind) else {
          return
        }
        let place = SegmentLayout.slotPositions.firstIndex(of: operation.position)
        let name = operation.kind == .write ? place.map { "slot \($0)" } ?? "frames" : "sync"
        seen.withLock { if $0.last != name { $0.append(name) } }
      }
      for index in 0..<(isLast ? 15 : 5) { try log.append(bytes("record \(index)")) }
      try log.flush()
    }
    machine.disk.observeOperations(nil)
    // The one that was newest until then is written last.
    let done = seen.withLock { $0 }
    let newest = try #require(done.dropLast(4).last { $0.hasPrefix("slot") })
    let older = newest == "slot 0" ? "slot 1" : "slot 0"
    #expect(done.suffix(4) == [older, "sync", newest, "sync"])
  }

  @Test func `buffers that wait to be filled do not keep removed files`() throws {
    try withStream(Self.rolling(.disk)) { machine, log in
      // One group of several segments, so that several buffers are in use.
      for index in 0..<35 { try log.append(bytes("record \(index)")) }
      try log.flush()
      let before = machine.disk.openHandleCount
      #expect(try log.removeSegments(before: Offset(rawValue: 30)).removed == 3)
      #expect(machine.disk.openHandleCount == before - 3)
      #expect(Self.spares(machine).count == machine.options.spareSegmentCount)
    }
  }

  /// Time in which something happens when it is read.
  private final class EventfulTime: TimeSource {
    private let base: ManualTime
    let event = Mutex<(@Sendable () -> Void)?>(nil)

    init(_ base: ManualTime) { self.base = base }

    private func happen() {
      let body = event.withLock { event in
        defer { event = nil }
        return event
      }
      body?()
    }

    func now() -> Timestamp {
      happen()
      return base.now()
    }

    func monotonicNanoseconds() -> UInt64 {
      happen()
      return base.monotonicNanoseconds()
    }
  }

  @Test func `who awaits durability while a commit without a sync begins is not forgotten`() throws
  {
    let machine = Machine()
    let time = EventfulTime(machine.time)
    var environment = machine.environment
    environment.time = time
    try machine.create()
    let store = try Store.open(at: "/data/s", options: machine.options, environment: environment)
    defer { store.close() }
    let log = try store.createStream(StreamName("s"), options: Self.rolling(.memory))
    for index in 0..<35 { try log.append(bytes("record \(index)")) }
    time.event.withLock { event in
      event = { log.whenReached(.durable, through: Offset(rawValue: 34)) {} }
    }
    // The committer's thread runs once for the segments that were left, and, woken by who awaits,
    // again.
    for _ in 0..<2 { _ = log.commitIfDue(1) }
    #expect(time.event.withLock { $0 == nil })
    #expect(log.durableOffset == log.logEndOffset)
  }
}

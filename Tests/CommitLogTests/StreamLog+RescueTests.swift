import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Synchronization
import Testing

@testable import CommitLog

/// What becomes of records that are appended while a group is carried over into a fresh segment.
@Suite struct StreamLogRescueTests {
  /// Appends in the middle of operations of the file system, on the committing thread.
  private final class Intruder: Sendable {
    struct State {
      var accepted: [UInt64: String] = [:]
      /// Names of the operations in which an append was tried, and of those that took it.
      var tried: [String] = []
      var hasFailed = false
    }

    let log: StreamLog
    let state = Mutex(State())

    init(_ log: StreamLog) { self.log = log }

    var accepted: [UInt64: String] { state.withLock { $0.accepted } }
    var tried: [String] { state.withLock { $0.tried } }

    /// Appends a record, unless that had to wait.
    func append(_ text: String) {
      state.withLock { $0.tried.append(text) }
      guard let receipt = try? log.append(copying: bytes(text), waiting: false) else { return }
      state.withLock { $0.accepted[receipt.offset.rawValue] = text }
    }

    /// Has an operation fail the first time, and appends in that and in every one that follows it.
    func plan(
      failing kind: FileSystemError.Operation,
      where accepts: @escaping @Sendable (String) -> Bool = { _ in true }
    ) -> FaultPlan {
      var faults = [
        FaultPlan.Fault(
          .occurrence(kind, index: 1),
          paths: .matching { [self] path in
            guard Self.isSegment(path), accepts(path), !state.withLock({ $0.hasFailed }) else {
              return false
            }
            append("in \(kind) that fails")
            state.withLock { $0.hasFailed = true }
            return true
          })
      ]
      for other: FileSystemError.Operation in [.open, .allocate, .write, .synchronizeData, .map] {
        faults.append(
          FaultPlan.Fault(
            .occurrence(other, index: 1),
            paths: .matching { [self] path in
              if Self.isSegment(path), state.withLock({ $0.hasFailed }) {
                append("in \(other) of the rescue")
              }
              return false
            }))
      }
      return FaultPlan(faults)
    }

    private static func isSegment(_ path: String) -> Bool {
      path.hasPrefix("/data/s/s/") && path.hasSuffix(".seg")
    }
  }

  /// Expects all of some records at their offsets, in this process and after every end of it.
  private func expect(
    _ machine: Machine, _ log: StreamLog, count: Int, _ accepted: [UInt64: String]
  ) throws {
    func check(_ texts: [String]) {
      #expect(texts.count == count + accepted.count)
      for (offset, text) in accepted { #expect(texts[Int(offset)] == text) }
    }
    check(try values(log))
    for plan in [CrashPlan.processKill, .loseAll, .keepAll] {
      let crashed = machine.crashed(plan)
      try expectSound(crashed)
      let store = try crashed.open()
      check(try values(opened(store)))
      store.close()
      try expectSound(crashed)
    }
  }

  @Test(arguments: [FileSystemError.Operation.synchronizeData, .writeDurably, .write])
  func `what is accepted while a failed group is rescued is kept`(
    _ operation: FileSystemError.Operation
  ) throws {
    try withStream { machine, log in
      // The first group of a segment is synced, later ones are written durably.
      var count = 0
      if operation == .writeDurably {
        for index in 0..<10 { try log.append(bytes("safe \(index)")) }
        try log.flush()
        count = 10
      }
      for index in 0..<10 { try log.append(bytes("rescued \(index)")) }
      count += 10
      let intruder = Intruder(log)
      machine.disk.faultPlan = intruder.plan(failing: operation)
      try log.flush()
      machine.disk.faultPlan = .none
      // One before the rescue began, which moves with the group, and some in the middle of it.
      #expect(intruder.accepted.count >= 1)
      #expect(intruder.tried.contains("in open of the rescue"))
      #expect(intruder.tried.contains("in synchronizeData of the rescue"))
      try log.append(bytes("later"))
      try log.flush()
      #expect(log.durableOffset == log.logEndOffset)
      try expect(machine, log, count: count + 1, intruder.accepted)
    }
  }

  @Test func `a successor whose first group fails ends where it begins`() throws {
    try withStream(StreamLogCloseTests.rolling(.disk)) { machine, log in
      for index in 0..<10 { try log.append(bytes("record \(index)")) }
      try log.flush()
      for index in 10..<15 { try log.append(bytes("record \(index)")) }
      let successor = try #require(StreamLogCloseTests.segments(machine).last)
      let intruder = Intruder(log)
      machine.disk.faultPlan = intruder.plan(failing: .synchronizeData) { $0 == successor }
      try log.flush()
      machine.disk.faultPlan = .none
      #expect(intruder.accepted.count >= 1)
      try expect(machine, log, count: 15, intruder.accepted)
      let ends = try machine.storedStream().segments.map { $0.end?.reason }
      #expect(ends == [.sealed, .poisoned, nil])
      // It takes part in removals like any other.
      for index in 0..<20 { try log.append(bytes("later \(index)")) }
      try log.flush()
      let removed = try log.removeSegments(before: log.visibleOffset).removed
      #expect(removed >= 3)
      #expect(!machine.disk.exists(successor))
      try expectSound(machine)
      let crashed = machine.crashed(.loseAll)
      let store = try crashed.open()
      #expect(try opened(store).logEndOffset == log.visibleOffset)
      store.close()
      try expectSound(crashed)
    }
  }

  /// A state the disk could have had, and what was durable then.
  private struct Cut {
    let disk: SimulatedFileSystem
    let durable: UInt64
    let place: String
  }

  @Test(arguments: [FileSystemError.Operation.synchronizeData, .writeDurably], [false, true])
  func `wherever the power goes in a rescue nothing that was durable is lost`(
    _ operation: FileSystemError.Operation, _ dropsDirtyPages: Bool
  ) throws {
    var options = StreamLogCloseTests.rolling(.disk)
    options.rollRecordCount = 15
    try withStream(options) { machine, log in
      for index in 0..<10 { try log.append(bytes("record \(index)")) }
      try log.flush()
      let disk = machine.disk
      let cuts = Mutex<[Cut]>([])
      disk.observeOperations { operation in
        for plan in [CrashPlan.processKill, .loseAll, .keepAll, .random] {
          let cut = Cut(
            disk: disk.crashImage(plan, seed: UInt64(operation.number)),
            durable: log.durableOffset.rawValue, place: "\(operation), \(plan)")
          cuts.withLock { $0.append(cut) }
        }
      }
      // The rest of the first segment, all of the second, the beginning of the third. With a sync
      // it is the second segment that fails, with a durable write the first.
      let count = operation == .writeDurably ? 13 : 34
      for index in 10..<count { try log.append(bytes("record \(index)")) }
      let failing = try #require(StreamLogCloseTests.segments(machine).prefix(2).last)
      disk.faultPlan = .failing(
        operation, paths: .matching { operation == .writeDurably || $0 == failing },
        dropsDirtyPages: dropsDirtyPages)
      try log.flush()
      disk.faultPlan = .none
      try log.append(bytes("record \(count)"))
      try log.flush()
      disk.observeOperations(nil)
      #expect(log.durableOffset.rawValue == UInt64(count + 1))
      #expect(try machine.storedStream().segments.contains { $0.end?.reason == .poisoned })
      let all = cuts.withLock { $0 }
      for cut in all {
        var after = machine
        after.disk = cut.disk
        let store = try after.open()
        let found = try values(opened(store))
        #expect(found == (0..<found.count).map { "record \($0)" }, "\(cut.place)")
        #expect(found.count >= Int(cut.durable), "\(cut.place)")
        #expect(found.count <= count + 1, "\(cut.place)")
        store.close()
        try expectSound(after)
      }
    }
  }
}

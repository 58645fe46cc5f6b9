import CommitLog
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Synchronization
import Testing

/// A short crash sweep in the ordinary tests: cut after every disk operation, reopen, check.
@Suite struct CrashSmokeTests {
  struct Cut {
    let image: SimulatedFileSystem
    let acknowledged: Int
    let appended: Int
    let operation: Int
    let seed: UInt64
  }

  static func record(_ index: Int) -> [UInt8] {
    bytes("record \(index) " + String(repeating: "x", count: index % 300))
  }

  @Test(arguments: [1])
  func `nothing acknowledged is lost wherever the power goes`(_ seed: UInt64) throws {
    let machine = Machine()
    let acknowledged = Atomic<Int>(0)
    let appended = Atomic<Int>(0)
    let cuts = Mutex<[Cut]>([])
    let disk = machine.disk
    let count = Atomic<Int>(0)
    disk.observeOperations { _ in
      let operation = count.wrappingAdd(1, ordering: .relaxed).newValue
      for (index, plan) in [CrashPlan.random, .loseAll, .keepAll, .processKill].enumerated() {
        let seed = seed &* 1_000_003 &+ UInt64(operation * 4 + index)
        let image = disk.crashImage(plan, seed: seed)
        let cut = Cut(
          image: image, acknowledged: acknowledged.load(ordering: .relaxed),
          appended: appended.load(ordering: .relaxed), operation: operation, seed: seed)
        cuts.withLock { $0.append(cut) }
      }
    }
    try machine.create()
    var next = 0
    for _ in 0..<3 {
      let store = try machine.open()
      let log = try store.createStream(StreamName("s"), options: small())
      for _ in 0..<25 {
        let group = 1 + next % 7
        for _ in 0..<group {
          appended.store(next + 1, ordering: .relaxed)
          try log.append(Self.record(next))
          next += 1
        }
        try log.flush()
        acknowledged.store(next, ordering: .relaxed)
      }
      store.close()
    }
    disk.observeOperations(nil)
    var failures = 0
    for cut in cuts.withLock({ $0 }) where failures < 5 {
      if let problem = check(cut, machine) {
        failures += 1
        Issue.record("operation \(cut.operation), seed \(cut.seed): \(problem)")
      }
    }
  }

  /// Opens an image, reads it, appends, cuts again and reads again.
  private func check(_ cut: Cut, _ machine: Machine) -> String? {
    var other = machine
    other.disk = cut.image
    do {
      do {
        let store = try other.open()
        let log = try store.createStream(StreamName("s"), options: small())
        let read = try values(log)
        if read.count < cut.acknowledged { return "\(read.count) of \(cut.acknowledged) records" }
        if read.count > cut.appended { return "\(read.count) records, \(cut.appended) appended" }
        for (index, value) in read.enumerated() where bytes(value) != Self.record(index) {
          return "record \(index) is another"
        }
        for index in 0..<3 { try log.append(bytes("new \(index)")) }
        try log.flush()
        store.abandon()
        let image = cut.image.crashImage(.random, seed: cut.seed)
        var third = machine
        third.disk = image
        let again = try third.open()
        let all = try values(again.stream(StreamName("s")))
        again.close()
        if all.count != read.count + 3 { return "\(all.count) records, not \(read.count + 3)" }
        if all.suffix(3) != ["new 0", "new 1", "new 2"] { return "old records behind new ones" }
      } catch OpenError.notAStore where cut.acknowledged == 0 {
        return nil
      } catch OpenError.fileSystem(let error)
        where cut.acknowledged == 0 && error.reason == .notFound
      {
        return nil
      }
    } catch {
      return "\(error)"
    }
    return nil
  }
}

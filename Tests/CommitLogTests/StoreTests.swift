import CommitLog
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

/// A store on a simulated machine, without threads.
struct Machine {
  var disk = SimulatedFileSystem(directories: ["/data"])
  let time = ManualTime(
    now: Timestamp(rawValue: 1_700_000_000_000_000_000), advancePerReadingNanoseconds: 1_000)
  let random = SeededRandom(seed: 7)
  var options = StoreOptions()

  init() {
    options.execution = .inline
    options.sharesWatermarks = false
    options.manifestSegmentByteCount = 64 << 10
    options.stagingByteCount = 16 << 10
  }

  var environment: StoreEnvironment {
    StoreEnvironment(fileSystem: disk, time: time, random: random, bootHash: 1)
  }

  func create() throws {
    try Store.create(at: "/data/s", options: options, environment: environment)
  }
  func open() throws -> Store {
    try Store.open(at: "/data/s", options: options, environment: environment)
  }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct StoreTests {
  @Test(arguments: [
    Durability.disk, .memory, .async(maxDelayNanoseconds: 1_000_000, maxByteCount: 1 << 20),
  ])
  func `records come back in order after closing and reopening`(_ durability: Durability) throws {
    let machine = Machine()
    try machine.create()
    var options = StreamOptions()
    options.durability = durability
    options.firstSegmentByteCount = 64 << 10
    options.segmentByteCount = 128 << 10
    let count = 5_000
    do {
      let store = try machine.open()
      let log = try store.createStream(StreamName("orders"), options: options)
      for index in 0..<count {
        let offset = try log.append(bytes("record \(index)"))
        #expect(offset.rawValue == UInt64(index))
      }
      try log.waitUntilAcknowledged(Offset(rawValue: UInt64(count - 1)))
      var reader = try log.makeReader()
      var seen = 0
      let read = try reader.read { record in
        if record.copyValue() == bytes("record \(seen)") { seen += 1 }
      }
      #expect(read == count)
      #expect(seen == count)
      store.close()
    }
    try Self.checkReopened(machine, count)
    #expect(machine.disk.openHandleCount == 0)
    #expect(machine.disk.mappedRegionCount == 0)
  }

  private static func checkReopened(_ machine: Machine, _ count: Int) throws {
    let store = try machine.open()
    let log = try store.stream(StreamName("orders"))
    #expect(log.recovery.wasClean)
    #expect(log.logEndOffset.rawValue == UInt64(count))
    var reader = try log.makeReader()
    var seen = 0
    _ = try reader.read { record in
      if record.copyValue() == bytes("record \(seen)") { seen += 1 }
    }
    #expect(seen == count)
    try log.append(bytes("one more"))
    try log.flush()
    #expect(log.visibleOffset.rawValue == UInt64(count + 1))
    store.close()
  }
}

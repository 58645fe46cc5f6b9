import Foundation
import Piperoll
import PlatformIO
import SimulatedIO
import Synchronization
import Testing

/// The examples of README.md and of the articles, word for word; `RepositoryTests` compare them.
@Suite struct DocumentExampleTests {
  private func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder = NSTemporaryDirectory() + "piperoll-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder + "/store")
  }

  @Test func `the example of README md runs`() async throws {
    try await withFolder { path in
      try Store.create(at: path)
      let store = try Store.open(at: path)
      let orders = try store.createStream(StreamName("orders"))

      let offset = try orders.append(Array("tea, 2".utf8))
      try orders.waitUntilDurable(offset)

      var reader = try orders.makeReader(from: .earliest)
      _ = try reader.read { record in
        print(record.offset.rawValue, String(decoding: record.copyValue(), as: UTF8.self))
      }
      store.close()
      #expect(reader.nextOffset == Offset(rawValue: 1))
    }
  }

  @Test func `the examples of Getting started run`() async throws {
    try await withFolder { path in
      try Store.create(at: path)
      let store = try Store.open(at: path)
      let orders = try store.createStream(StreamName("orders"))

      for number in 1...1_000 { try orders.append(Array("order \(number)".utf8)) }
      try orders.flush()

      var batch = BatchBuilder()
      for line in ["tea, 2", "milk, 1"] { try batch.append(Array(line.utf8).span.bytes) }
      let receipt = try orders.append(batch)
      try orders.waitUntilDurable(receipt.offset)

      var options = StreamOptions()
      options.durability = .async(maxDelayNanoseconds: 50_000_000, maxByteCount: 8 << 20)
      let clicks = try store.createStream(StreamName("clicks"), options: options)

      var reader = try orders.makeReader(from: .offset(Offset(rawValue: 1_000)))
      while let record = try reader.next() {
        print(record.offset, String(decoding: record.value, as: UTF8.self))
      }
      #expect(reader.nextOffset == Offset(rawValue: 1_002))

      let tail = Task {
        for try await record in clicks.records(from: .earliest) {
          return record.value
        }
        return []
      }
      let click = try await clicks.appending(Array("start page".utf8))
      try await clicks.durable(through: click.offset)
      #expect(try await tail.value == Array("start page".utf8))

      let other = try StoreReader.open(at: path)
      var follower = try other.makeReader(of: StreamName("orders"), from: .latest)
      if follower.wait(timeoutNanoseconds: 1_000_000) { _ = try follower.next() }
      #expect(other.streamNames == ["clicks", "orders", "piperoll.evidence"])
      store.close()
    }
  }

  @Test func `the example of Recovery runs`() async throws {
    try await withFolder { path in
      try Store.create(at: path)
      do {
        let store = try Store.open(at: path)
        try store.createStream(StreamName("orders")).append([1])
        store.close()
      }
      let store = try Store.open(at: path)
      let orders = try store.stream(StreamName("orders"))
      let report = orders.recovery
      if !report.wasClean {
        print("rewritten: \(report.rewrittenByteCount) bytes")
        for damage in report.damaged { print(damage) }
      }
      #expect(report.wasClean)
      store.close()
    }
  }

  @Test func `the examples of Testing with FaultKit run`() throws {
    let disk = SimulatedFileSystem(directories: ["/data"])
    let environment = StoreEnvironment(
      fileSystem: disk, time: ManualTime(), random: SeededRandom(seed: 1), bootHash: 0)
    var options = StoreOptions()
    options.execution = .inline
    options.sharesWatermarks = false

    try Store.create(at: "/data/store", options: options, environment: environment)
    let store = try Store.open(at: "/data/store", options: options, environment: environment)
    let orders = try store.createStream(StreamName("orders"))
    let offset = try orders.append(Array("tea, 2".utf8))
    try orders.waitUntilDurable(offset)

    for seed in 0..<20 as Range<UInt64> {
      let image = disk.crashImage(.random, seed: seed)
      let restarted = StoreEnvironment(
        fileSystem: image, time: ManualTime(), random: SeededRandom(seed: seed), bootHash: 1)
      let again = try Store.open(at: "/data/store", options: options, environment: restarted)
      var reader = try again.stream(StreamName("orders")).makeReader()
      #expect(try reader.next()?.value == Array("tea, 2".utf8), "seed \(seed)")
      again.close()
    }

    disk.failNext(.writeDurably)
    let second = try orders.append(Array("milk, 1".utf8))
    try orders.waitUntilDurable(second)
    #expect(orders.durableOffset == Offset(rawValue: 2))
    store.close()
  }

  @Test func `the sweep of Testing with FaultKit sees every operation`() throws {
    let disk = SimulatedFileSystem(directories: ["/data"])
    let images = Mutex<[SimulatedFileSystem]>([])
    disk.observeOperations { operation in
      let image = disk.crashImage(.random, seed: UInt64(operation.number))
      images.withLock { $0.append(image) }
    }
    _ = try disk.openDirectory(path: "/data")
    try disk.makeDirectory(path: "/data/store")
    #expect(images.withLock { $0.count } == 1)
  }
}

import AsyncLog
import CommitLog
import Foundation
import LogFormat
import Quantities
import Testing

/// A store in a folder of its own on the real disk.
private func withStore<Result>(_ body: (Store) async throws -> Result) async throws -> Result {
  let path = NSTemporaryDirectory() + "piperoll-\(UUID().uuidString)"
  try Store.create(at: path)
  let store = try Store.open(at: path)
  defer {
    store.close()
    try? FileManager.default.removeItem(atPath: path)
  }
  return try await body(store)
}

@Suite struct AsyncLogTests {
  @Test func `awaiting durability returns once the record survives power loss`() async throws {
    try await withStore { store in
      let log = try store.createStream(StreamName("a"))
      var last = Offset.zero
      for index in 0..<100 { last = try log.append(Array("r\(index)".utf8)) }
      try await log.durable(through: last)
      #expect(log.durableOffset > last)
    }
  }

  @Test(arguments: [Durability.disk, .memory])
  func `awaiting evidence returns once chain and tree cover the record`(_ durability: Durability)
    async throws
  {
    try await withStore { store in
      var options = StreamOptions()
      options.durability = durability
      options.evidence = .tree
      let log = try store.createStream(StreamName("e"), options: options)
      for round in 0..<3 as Range<UInt8> {
        let last = try log.append([round])
        try await log.evidenced(through: last)
        #expect(log.evidencedOffset > last)
      }
      options.evidence = .none
      let other = try store.createStream(StreamName("other"), options: options)
      let last = try other.append([1])
      await #expect(throws: AppendError.self) { try await other.evidenced(through: last) }
    }
  }

  @Test func `many tasks each see their own record acknowledged`() async throws {
    try await withStore { store in
      let log = try store.createStream(StreamName("b"))
      try await withThrowingTaskGroup(of: Offset.self) { group in
        for task in 0..<200 {
          group.addTask {
            let receipt = try await log.appending(Array("task \(task)".utf8))
            try await log.durable(through: receipt.offset)
            return receipt.offset
          }
        }
        var seen = Set<UInt64>()
        for try await offset in group { seen.insert(offset.rawValue) }
        #expect(seen.count == 200)
      }
    }
  }

  @Test(.timeLimit(.minutes(15)))
  func `an appending task gets a segment as large as its record needs`() async throws {
    try await withStore { store in
      let log = try store.createStream(StreamName("large"))
      var sizes: [Int] = []
      for size in [3 << 20, 100, 9 << 20, 100] {
        let receipt = try await log.appending(Array(repeating: 7, count: size))
        sizes.append(size)
        try await log.durable(through: receipt.offset)
      }
      var reader = try log.makeReader()
      #expect(try reader.records(max: 10).map(\.value.count) == sizes)
    }
  }

  @Test(.timeLimit(.minutes(15)))
  func `in class memory durability can be awaited before the record is appended`() async throws {
    try await withStore { store in
      var options = StreamOptions()
      options.durability = .memory
      let log = try store.createStream(StreamName("memory"), options: options)
      try log.append([1])
      let waiting = Task { try await log.durable(through: Offset(rawValue: 5)) }
      try await Task.sleep(nanoseconds: 50_000_000)
      for value: UInt8 in 2...6 {
        try log.append([value])
        try await Task.sleep(nanoseconds: 5_000_000)
      }
      try await waiting.value
      #expect(log.durableOffset.rawValue >= 6)
    }
  }

  @Test func `a tail of a stream that was closed ends with an error`() async throws {
    try await withStore { store in
      let log = try store.createStream(StreamName("closed"))
      try log.append([1])
      let records = log.records().makeAsyncIterator()
      try log.flush()
      #expect(try await records.next()?.value == [1])
      let end = Task { [records] in
        do {
          while try await records.next() != nil {}
          return false
        } catch { return error is ReadError }
      }
      try await Task.sleep(nanoseconds: 50_000_000)
      store.close()
      #expect(await end.value)
    }
  }

  @Test func `a tail delivers what is appended later and ends with its task`() async throws {
    try await withStore { store in
      var options = StreamOptions()
      options.durability = .memory
      let log = try store.createStream(StreamName("c"), options: options)
      let reader = Task {
        var values: [String] = []
        for try await record in log.records(from: .earliest) {
          values.append(String(decoding: record.value, as: UTF8.self))
          if values.count == 50 { break }
        }
        return values
      }
      for index in 0..<50 {
        try log.append(Array("\(index)".utf8))
        if index % 10 == 0 { try await Task.sleep(nanoseconds: 1_000_000) }
      }
      #expect(try await reader.value == (0..<50).map { "\($0)" })
      let endless = Task {
        var count = 0
        for try await _ in log.records(from: .latest) { count += 1 }
        return count
      }
      endless.cancel()
      #expect(try await endless.value == 0)
    }
  }

  @Test(.timeLimit(.minutes(15)))
  func `awaiting durability ends in class memory too, without anybody flushing`() async throws {
    try await withStore { store in
      var options = StreamOptions()
      options.durability = .memory
      options.rollRecordCount = 40
      let log = try store.createStream(StreamName("d"), options: options)
      for round in 0..<5 {
        // Within a segment, and over several, which the committer is told of.
        let count = round % 2 == 0 ? 10 : 130
        var last = Offset.zero
        for index in 0..<count { last = try log.append(Array("r\(index)".utf8)) }
        try await log.durable(through: last)
        #expect(log.durableOffset > last)
      }
    }
  }

  @Test(.timeLimit(.minutes(15)))
  func `a task that awaits what nobody appends can be cancelled`() async throws {
    try await withStore { store in
      for durability in [Durability.memory, .disk] {
        var options = StreamOptions()
        options.durability = durability
        let log = try store.createStream(StreamName("e \(durability)"), options: options)
        try log.append([1])
        let waiting = (0..<20).map { index in
          Task {
            if index % 2 == 0 {
              try await log.durable(through: Offset(rawValue: 1_000))
            } else {
              try await log.visible(through: Offset(rawValue: 1_000))
            }
          }
        }
        for task in waiting { task.cancel() }
        for task in waiting {
          await #expect(throws: CancellationError.self) { try await task.value }
        }
        try await log.durable(through: .zero)
        #expect(log.durableOffset.rawValue == 1)
      }
    }
  }
}

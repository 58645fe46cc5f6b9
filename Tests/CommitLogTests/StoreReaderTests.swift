import Foundation
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import CommitLog

@Suite struct StoreReaderTests {
  private func open(_ machine: Machine) throws -> StoreReader {
    try StoreReader.open(
      at: "/data/s", options: machine.options, environment: machine.environment)
  }

  @Test func `a lost active segment hides none of the others, and its loss is counted`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try store.createStream(
      StreamName("s"), options: StreamLogCloseTests.rolling(.disk))
    for index in 0..<35 { try log.append(bytes("record \(index)")) }
    try log.flush()
    let active = log.state.withLock { $0.segment.path }
    store.close()
    try machine.disk.removeFile(active)

    var reader = try open(machine).makeReader(of: StreamName("s"))
    #expect(try reader.records(max: .max).count == 30)
    do throws(ReadError) {
      _ = try reader.records(max: .max)
      Issue.record("the loss was not reported")
    } catch {
      guard case .damaged(let report) = error else { throw error }
      #expect((report.firstOffset.rawValue, report.nextOffset.rawValue) == (30, 35))
    }
    let report = try StoreVerification.run(
      at: "/data/s", options: machine.options, environment: machine.environment)
    #expect(
      report.findings.contains { $0.firstOffset.rawValue == 30 && $0.nextOffset.rawValue == 35 })
  }

  @Test func `a seek by time finds segments that came after the reader was made`() throws {
    try withStream(StreamLogCloseTests.rolling(.disk)) { machine, log in
      try log.append(bytes("first"))
      try log.flush()
      let store = try open(machine)
      var early = try store.makeReader(of: StreamName("s"))
      #expect(try early.records(max: 10).count == 1)
      for index in 1..<35 { try log.append(bytes("record \(index)")) }
      try log.flush()
      let record = try #require(try log.makeReader(from: .offset(Offset(rawValue: 25))).first())
      // What the files say is looked at again every 10 ms.
      machine.time.advance(byNanoseconds: 20_000_000)
      let late = try store.makeReader(of: StreamName("s"), from: .time(record.appendTime))
      #expect(late.nextOffset == record.offset)
    }
  }

  @Test func `a group that is seen half written is seen whole when it is`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try store.createStream(StreamName("s"), options: small(.disk))
    try log.append(bytes("first"))
    try log.flush()
    let path = log.state.withLock { $0.segment.path }
    let from = log.state.withLock { Int($0.position) }
    try log.append([UInt8](repeating: 7, count: 5_000))
    try log.flush()
    let after = try machine.disk.readFile(path)
    let to = log.state.withLock { Int($0.position) }
    // Each time less of it has come.
    for start in [from + 4_096, from + 16, from + 8, from] {
      var image = after
      image.replaceSubrange(start..<to, with: repeatElement(0, count: to - start))
      try machine.disk.replaceFile(path, with: image)
      var reader = try open(machine).makeReader(of: StreamName("s"))
      #expect(reader.visibleOffset.rawValue == 1, "\(start - from)")
      try write(Array(after[start..<to]), at: start, of: path, machine)
      machine.time.advance(byNanoseconds: 20_000_000)
      #expect(reader.visibleOffset.rawValue == 2, "\(start - from)")
      #expect(try reader.records(max: .max).last?.value.count == 5_000)
    }
    store.close()
  }

  @Test func `a lost active segment ends reading beside its writer with an error, again and again`()
    throws
  {
    try withRealStore { _, path in
      let store = try Store.open(at: path)
      let log = try store.createStream(StreamName("s"))
      for _ in 0..<10 { try log.append([1]) }
      try log.flush()
      try FileManager.default.removeItem(atPath: log.state.withLock { $0.segment.path })
      var reader = try StoreReader.open(at: path).makeReader(of: StreamName("s"))
      for _ in 0..<3 {
        do throws(ReadError) {
          _ = try reader.records(max: .max)
          Issue.record("the loss was not reported")
        } catch {
          guard case .fileSystem(let cause) = error else { throw error }
          #expect(cause.reason == .notFound && reader.nextOffset.rawValue == 0)
        }
      }
      store.close()
    }
  }

  private func write(_ bytes: [UInt8], at position: Int, of path: String, _ machine: Machine) throws
  {
    let url = URL(fileURLWithPath: path)
    let directory = try machine.disk.openDirectory(path: url.deletingLastPathComponent().path)
    defer { machine.disk.close(directory) }
    let file = try machine.disk.open(url.lastPathComponent, in: directory, .readWrite)
    defer { machine.disk.close(file) }
    try machine.disk.write(file, bytes: bytes, at: UInt64(position))
  }

  /// A store on the real disk, whose readers share memory with its writer.
  private func withRealStore(_ body: (_ folder: String, _ path: String) throws -> Void) throws {
    try withFolder { folder in
      let path = folder + "/store"
      try Store.create(at: path)
      try body(folder, path)
    }
  }

  private func count(_ path: String, _ name: String = "s") throws -> Int {
    var reader = try StoreReader.open(at: path).makeReader(of: StreamName(name))
    return try reader.records(max: .max).count
  }

  @Test func `the reader of a copy does not follow the writer of the original`() throws {
    try withRealStore { folder, path in
      var store = try Store.open(at: path)
      for _ in 0..<10 { try store.streamCreatingIfNeeded(StreamName("s")).append([1]) }
      store.close()
      try FileManager.default.copyItem(atPath: path, toPath: folder + "/copy")
      store = try Store.open(at: path)
      let log = try store.stream(StreamName("s"))
      for _ in 0..<10 { try log.append([2]) }
      try log.flush()
      #expect(try count(path) == 20)
      #expect(try count(folder + "/copy") == 10)
      #expect(try StoreVerification.run(at: folder + "/copy").isSound)
      store.close()
    }
  }

  @Test func `a reader does not take another stream's watermark after the writer has changed`()
    throws
  {
    try withRealStore { _, path in
      var store = try Store.open(at: path)
      for _ in 0..<500 { try store.streamCreatingIfNeeded(StreamName("long")).append([1]) }
      let log = try store.streamCreatingIfNeeded(StreamName("short"))
      for _ in 0..<5 { try log.append([1]) }
      store.close()
      // In this order the memory of the first writer's cell goes to the other stream.
      store = try Store.open(at: path)
      _ = try store.stream(StreamName("short")).append([1])
      try store.stream(StreamName("short")).flush()
      let files = try StoreReader.open(at: path)
      var reader = try files.makeReader(of: StreamName("short"))
      #expect(try reader.records(max: .max).count == 6)
      store.close()
      store = try Store.open(at: path)
      _ = try store.stream(StreamName("long"))
      #expect(reader.visibleOffset.rawValue == 6)
      #expect(try reader.records(max: .max).isEmpty)
      store.close()
    }
  }

  @Test func `readers find the segments that a patient writer has gone on to`() throws {
    try withRealStore { _, path in
      let store = try Store.open(at: path)
      let patient = Durability.async(
        maxDelayNanoseconds: 60_000_000_000, maxByteCount: 1 << 30)
      let log = try store.createStream(StreamName("s"), options: small(patient))
      for index in 0..<2_000 { try log.append(Array("record \(index) of many bytes".utf8)) }
      #expect(try count(path) == 2_000)
      let report = try StoreVerification.run(at: path)
      #expect(report.isSound && report.recordCount == 2_000, "\(report.findings)")
      store.close()
    }
  }
}

extension LogReader {
  /// A copy of the next record; for readers that are used once.
  consuming func first() throws -> Record? {
    try next()
  }
}

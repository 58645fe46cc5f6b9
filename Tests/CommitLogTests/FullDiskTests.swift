import CommitLog
import Foundation
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@Suite struct FullDiskTests {
  /// Bytes a simulated disk has in use.
  static func used(_ disk: SimulatedFileSystem) throws -> UInt64 {
    let root = try disk.openDirectory(path: "/data")
    defer { disk.close(root) }
    let space = try disk.space(of: root)
    return space.byteCount - space.availableByteCount
  }

  /// Appends until the disk is full; what was appended, and the error.
  static func fill(_ log: StreamLog, upTo limit: Int = 5_000) -> (count: Int, error: AppendError?) {
    let value = [UInt8](repeating: 7, count: 2_000)
    for count in 0..<limit {
      do throws(AppendError) { try log.append(value) } catch { return (count, error) }
    }
    return (limit, nil)
  }

  /// Fills the disk through a stream and empties it again: everything stays readable, the error says
  /// what is wrong, removal works and makes room.
  static func exhaust(_ log: StreamLog, appended before: Int) throws {
    let (count, error) = fill(log)
    guard case .full(_, let cause)? = error else {
      Issue.record("wrong error: \(String(describing: error))")
      return
    }
    #expect(cause.reason == .noSpace)
    try log.flush()
    #expect(log.durableOffset.rawValue == UInt64(before + count))
    var reader = try log.makeReader()
    #expect(try reader.read { _ in } == before + count)
    let removed = try log.removeSegments(before: log.visibleOffset)
    guard removed.removed > 0 else { return }
    try log.append([1])
    try log.flush()
    #expect(log.durableOffset.rawValue == UInt64(before + count + 1))
  }

  @Test func `a disk that is full at any step of a roll is a typed error and loses nothing`() throws
  {
    var ends: Set<Int> = []
    for room in stride(from: UInt64(0), through: 560 << 10, by: 4_096) {
      var machine = Machine()
      machine.options.minimumFreePercent = 0
      try machine.create()
      let store = try machine.open()
      let log = try store.createStream(StreamName("s"), options: small())
      try log.append([0])
      try log.flush()
      machine.disk.byteCapacity = try Self.used(machine.disk) + room
      try Self.exhaust(log, appended: 1)
      ends.insert(Int(log.logEndOffset.rawValue))
      let end = log.logEndOffset
      store.close()
      let again = try machine.open()
      let reopened = try again.stream(StreamName("s"))
      #expect(reopened.logEndOffset == end && reopened.recovery.wasClean)
      again.close()
    }
    // The disk was full in several segments, not always in the same.
    #expect(ends.count > 3)
  }

  @Test func `a real disk that is full at any step of a roll is a typed error and loses nothing`()
    throws
  {
    for room in stride(from: 0, through: 600, by: 40) {
      try withSmallFileSystem(megabytes: 16) { folder in
        var storeOptions = StoreOptions()
        storeOptions.minimumFreePercent = 0
        storeOptions.manifestSegmentByteCount = 64 << 10
        try Store.create(at: folder + "/store", options: storeOptions)
        let store = try Store.open(at: folder + "/store", options: storeOptions)
        let log = try store.createStream(StreamName("s"), options: small())
        try log.append([0])
        try log.flush()
        try Self.fillWithBalloon(folder, leavingKilobytes: room)
        try Self.exhaust(log, appended: 1)
        store.close()
        let again = try Store.open(at: folder + "/store", options: storeOptions)
        #expect(try again.stream(StreamName("s")).recovery.wasClean)
        again.close()
      }
    }
  }

  /// Takes all the space of a file system but a little.
  private static func fillWithBalloon(_ folder: String, leavingKilobytes rest: Int) throws {
    let path = folder + "/balloon"
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    guard let file = FileHandle(forWritingAtPath: path) else { throw CocoaError(.fileNoSuchFile) }
    defer { try? file.close() }
    let block = Data(count: 4_096)
    while (try? file.write(contentsOf: block)) != nil {}
    let size = try file.seekToEnd()
    try file.truncate(atOffset: size - min(size, UInt64(rest) << 10))
  }

  /// Makes 370 edits of the manifest: names of streams, none of which gets a segment.
  private static func nameStreams(in store: Store) {
    for index in 0..<370 {
      guard let name = try? StreamName("s\(index)") else { continue }
      _ = try? store.createStream(name, options: small())
    }
  }

  @Test func `the manifest goes on in a fresh segment although the disk is full`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let ballast = "/data/s/BALLAST"
    #expect(machine.disk.paths.contains(ballast))
    machine.disk.byteCapacity = try Self.used(machine.disk)
    let before = machine.disk.paths.filter { $0.hasPrefix("/data/s/meta/") }
    Self.nameStreams(in: store)
    let after = machine.disk.paths.filter { $0.hasPrefix("/data/s/meta/") }
    #expect(Set(before).isDisjoint(with: after))
    #expect(machine.disk.paths.contains(ballast))
    store.close()
    let again = try machine.open()
    #expect(again.streamNames.count == 370)
    again.close()
  }

  @Test func `without ballast a full manifest on a full disk is a typed error`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    try machine.disk.removeFile("/data/s/BALLAST")
    machine.disk.byteCapacity = try Self.used(machine.disk)
    Self.nameStreams(in: store)
    let error = #expect(throws: OpenError.self) { try store.createStream(StreamName("last")) }
    guard case .fileSystem(let cause)? = error else {
      Issue.record("wrong error: \(String(describing: error))")
      return
    }
    #expect(cause.reason == .noSpace && cause.path.contains("meta"))
    store.close()
    machine.disk.byteCapacity = 1 << 40
    let again = try machine.open()
    #expect((1..<400).contains(again.streamNames.count))
    again.close()
  }

  @Test func `information says how much room there is`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    _ = try store.createStream(StreamName("s"), options: small()).append([1])
    func level() throws -> StoreSpace.Level? {
      try StoreReader.open(
        at: "/data/s", options: machine.options, environment: machine.environment
      )
      .information().space?.level
    }
    let used = try Self.used(machine.disk)
    machine.disk.byteCapacity = used * 100
    #expect(try level() == .ample)
    machine.disk.byteCapacity = used * 100 / 92
    #expect(try level() == .low)
    machine.disk.byteCapacity = used * 100 / 96
    #expect(try level() == .full)
    store.close()
  }
}

import PlatformIO
import SimulatedIO
import Testing

struct FaultPlanTests {
  @Test func `a sync after a failed sync does not bring dropped pages to the disk`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1) + page(1))
    try rig.write(file, page(2))
    rig.disk.faultPlan = .failing(.synchronizeData, dropsDirtyPages: true)
    #expect(throws: FileSystemError(.synchronizeData, "/store/a", .inputOutput)) {
      try rig.disk.synchronizeData(file)
    }
    try rig.write(file, page(3), at: 4096)
    try rig.disk.synchronizeData(file)
    #expect(try rig.bytes("a") == page(2) + page(3))
    for image in [rig.disk.crashImage(.keepAll), rig.disk.crashImage(.random, seed: 3)] {
      #expect(try image.readFile("/store/a") == page(1) + page(3))
    }
  }

  @Test func `a dropped page written again reaches the disk`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    try rig.write(file, page(2))
    rig.disk.faultPlan = .failing(.synchronizeData, dropsDirtyPages: true)
    #expect(throws: FileSystemError.self) { try rig.disk.synchronizeData(file) }
    try rig.write(file, [3])
    try rig.disk.synchronizeData(file)
    #expect(try rig.disk.crashImage(.loseAll).readFile("/store/a") == [3] + page(2).dropFirst())
  }

  @Test func `a failed sync without dropping leaves the pages to the next one`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    try rig.write(file, page(2))
    rig.disk.failNext(.synchronizeData)
    #expect(throws: FileSystemError.self) { try rig.disk.synchronizeData(file) }
    #expect(try rig.disk.crashImage(.loseAll).readFile("/store/a") == page(1))
    try rig.disk.synchronizeData(file)
    #expect(try rig.disk.crashImage(.loseAll).readFile("/store/a") == page(2))
  }

  @Test func `a failed sync may have kept everything or half`() throws {
    for (form, durableCount) in [(FaultPlan.Form.kept, 4), (.partial(), 2), (.lost, 0)] {
      let rig = try Rig()
      let file = try rig.createDurably("a", page(0) + page(0) + page(0) + page(0))
      for index: UInt64 in 0..<4 { try rig.write(file, page(1), at: index * 4096) }
      rig.disk.failNext(.synchronizeData, form: form)
      #expect(throws: FileSystemError.self) { try rig.disk.synchronizeData(file) }
      let bytes = try rig.disk.crashImage(.loseAll).readFile("/store/a")
      #expect(bytes.count { $0 == 1 } == durableCount * 4096)
    }
  }

  @Test func `a failed write is lost, kept or short`() throws {
    let forms: [(FaultPlan.Form, Int)] = [
      (.lost, 0), (.kept, 100), (.partial(), 50), (.partial(byteCount: 7), 7),
    ]
    for (form, byteCount) in forms {
      let rig = try Rig()
      let file = try rig.create("a")
      rig.disk.failNext(.write, with: .noSpace, form: form)
      #expect(throws: FileSystemError(.write, "/store/a", .noSpace)) {
        try rig.write(file, Array(repeating: 1, count: 100))
      }
      #expect(try rig.bytes("a") == Array(repeating: 1, count: byteCount))
    }
  }

  @Test func `operation number n fails once`() throws {
    let rig = try Rig()
    let file = try rig.create("a")
    rig.disk.faultPlan = .failing(operation: 3)
    try rig.write(file, [1])
    #expect(throws: FileSystemError.self) { try rig.write(file, [2]) }
    try rig.write(file, [3])
    #expect(rig.disk.operationCount == 4)
    #expect(try rig.bytes("a") == [3])
  }

  @Test func `operation number n fails for ever`() throws {
    let rig = try Rig()
    let file = try rig.create("a")
    rig.disk.faultPlan = .failing(operation: 3, forever: true)
    try rig.write(file, [1])
    #expect(throws: FileSystemError.self) { try rig.write(file, [2]) }
    #expect(throws: FileSystemError.self) { try rig.disk.synchronizeData(file) }
    #expect(throws: FileSystemError.self) { try rig.create("b") }
    #expect(try rig.bytes("a") == [1])
    rig.disk.faultPlan = .none
    try rig.write(file, [4])
    #expect(try rig.bytes("a") == [4])
  }

  @Test func `the k-th operation of a kind fails, on the files that match`() throws {
    let rig = try Rig()
    let (log, index) = (try rig.create("a.log"), try rig.create("a.index"))
    rig.disk.faultPlan = .failing(.write, occurrence: 2, paths: .suffix(".log"))
    try rig.write(log, [1])
    try rig.write(index, [1])
    try rig.write(index, [2])
    #expect(throws: FileSystemError.self) { try rig.write(log, [2]) }
    try rig.write(log, [3])
    rig.disk.faultPlan = .failing(
      .write, paths: .matching { $0.contains("index") }, forever: true)
    try rig.write(log, [4])
    #expect(throws: FileSystemError.self) { try rig.write(index, [5]) }
    #expect(throws: FileSystemError.self) { try rig.write(index, [6]) }
  }

  @Test(arguments: [
    FileSystemError.Operation.openDirectory, .listDirectory, .spaceOfFileSystem, .open, .status,
    .read, .lock, .map,
  ])
  func `operations that change nothing fail by kind`(
    _ kind: FileSystemError.Operation
  ) throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", [1])
    let count = rig.disk.operationCount
    rig.disk.failNext(kind, with: .outOfMemory)
    #expect(throws: FileSystemError.self) {
      _ = try rig.disk.openDirectory(path: "/store")
      _ = try rig.disk.entries(of: rig.directory)
      _ = try rig.disk.space(of: rig.directory)
      _ = try rig.disk.open("a", in: rig.directory, .readOnly)
      _ = try rig.disk.status(of: file)
      var buffer: [UInt8] = [0]
      _ = try buffer.withUnsafeMutableBytes { try rig.disk.read(file, into: $0, at: 0) }
      _ = try rig.disk.lockExclusively(file)
      _ = try rig.disk.map(file, byteCount: 1, writable: false)
    }
    #expect(rig.disk.operationCount == count)
  }

  @Test func `a creation that failed but was kept leaves the name and no handle`() throws {
    let rig = try Rig()
    rig.disk.failNext(.open, with: .inputOutput, form: .kept)
    #expect(throws: FileSystemError.self) { try rig.create("a") }
    #expect(rig.names == ["a"])
    #expect(rig.disk.openHandleCount == 1)
  }

  @Test func `a power cut stops everything until an image is taken`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", [1])
    rig.disk.faultPlan = .powerLoss(atOperation: rig.disk.operationCount + 2)
    try rig.write(file, [2])
    #expect(throws: FileSystemError(.write, "/store/a", .powerLost)) { try rig.write(file, [3]) }
    #expect(throws: FileSystemError.self) { try rig.disk.synchronizeData(file) }
    #expect(throws: FileSystemError.self) { try rig.disk.status(of: file) }
    #expect(throws: FileSystemError.self) { try rig.disk.openDirectory(path: "/store") }
    let image = try Rig(rig.disk.crashImage(.keepAll))
    #expect(try image.bytes("a") == [2])
    _ = try image.createDurably("b", [9])
  }

  @Test func `a power cut can come in the middle of an operation`() throws {
    for (form, expected) in [(FaultPlan.Form.kept, 4), (.partial(byteCount: 3), 3)] {
      let rig = try Rig()
      let file = try rig.createDurably("a", [])
      rig.disk.faultPlan = .powerLoss(atOperation: rig.disk.operationCount + 1, form: form)
      #expect(throws: FileSystemError.self) { try rig.write(file, [1, 2, 3, 4]) }
      #expect(try rig.disk.crashImage(.keepAll).readFile("/store/a").count == expected)
      #expect(try rig.disk.crashImage(.loseAll).readFile("/store/a").isEmpty)
    }
  }

  @Test func `a failed directory sync can forget its entries for good`() throws {
    let rig = try Rig()
    _ = try rig.create("a")
    rig.disk.faultPlan = .failing(.synchronizeDirectory, dropsDirtyPages: true)
    #expect(throws: FileSystemError.self) { try rig.disk.synchronize(rig.directory) }
    _ = try rig.create("b")
    try rig.disk.synchronize(rig.directory)
    #expect(rig.disk.crashImage(.loseAll).paths == ["/store/b"])
  }

  @Test func `observers see every operation before it happens and may take images`() throws {
    let rig = try Rig()
    let log = ObservedImages()
    rig.disk.observeOperations { operation in
      log.add(operation, rig.disk.crashImage(.keepAll).paths.count)
    }
    let file = try rig.create("a")
    try rig.write(file, [1])
    try rig.rename("a", "b")
    rig.disk.observeOperations(nil)
    try rig.write(file, [2])
    #expect(log.seen.map(\.0.kind) == [.open, .write, .rename])
    #expect(log.seen.map(\.0.number) == [1, 2, 3])
    #expect(log.seen.map(\.1) == [0, 1, 1])
  }

  @Test func `the trace names what was done, where and how it ended`() throws {
    let rig = try Rig()
    rig.disk.tracesOperations = true
    let file = try rig.create("a")
    try rig.write(file, [1, 2], at: 5)
    rig.disk.failNext(.synchronizeData)
    #expect(throws: FileSystemError.self) { try rig.disk.synchronizeData(file) }
    #expect(
      rig.disk.trace.map(\.description) == [
        "1 open /store/a", "2 write /store/a [5, +2]",
        "3 synchronizeData /store/a failed: inputOutput",
      ])
  }
}

private final class ObservedImages: @unchecked Sendable {
  // Safety: filled from one test, on one thread.
  private(set) var seen: [(TracedOperation, Int)] = []
  func add(_ operation: TracedOperation, _ count: Int) { seen.append((operation, count)) }
}

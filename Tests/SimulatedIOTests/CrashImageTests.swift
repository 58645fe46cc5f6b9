import PlatformIO
import SimulatedIO
import Testing

struct CrashImageTests {
  @Test func `an unsynced write may be lost or kept`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    try rig.write(file, page(2))
    let states = Set(try everyImage(of: rig.disk).map { try $0.readFile("/store/a") })
    #expect(states == [page(1), page(2)])
    #expect(try rig.disk.crashImage(.loseAll).readFile("/store/a") == page(1))
    #expect(try rig.disk.crashImage(.keepAll).readFile("/store/a") == page(2))
  }

  @Test func `a synced write is always kept`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    try rig.write(file, page(2), at: 4000)
    try rig.disk.synchronizeData(file)
    let expected = Array(repeating: 1, count: 4000) + page(2)
    for seed in 0..<200 {
      let image = rig.disk.crashImage(.random(tearGranularity: 1), seed: UInt64(seed))
      #expect(try image.readFile("/store/a") == expected)
    }
    #expect(everyImage(of: rig.disk).count == 1)
  }

  @Test func `two unsynced pages survive in any combination`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(0) + page(0))
    try rig.write(file, page(1))
    try rig.write(file, page(2), at: 4096)
    let states = Set(
      try everyImage(of: rig.disk).map { image in
        let bytes = try image.readFile("/store/a")
        return [bytes[0], bytes[4096]]
      })
    #expect(states == [[0, 0], [1, 0], [0, 2], [1, 2]])
  }

  @Test func `an ordered disk keeps a prefix of the writes`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(0) + page(0))
    try rig.write(file, page(1))
    try rig.write(file, page(2), at: 4096)
    let states = Set(
      try everyImage(of: rig.disk, .ordered).map { image in
        let bytes = try image.readFile("/store/a")
        return [bytes[0], bytes[4096]]
      })
    #expect(states == [[0, 0], [1, 0], [1, 2]])
  }

  @Test func `intermediate versions of a page can survive`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(0))
    for version: UInt8 in 1...4 { try rig.write(file, page(version)) }
    let states = Set(try everyImage(of: rig.disk).map { try $0.readFile("/store/a")[0] })
    #expect(states == [0, 1, 2, 3, 4])
  }

  @Test func `the size survives old or new, apart from the bytes`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", [1])
    try rig.write(file, page(2), at: 4096)
    let states = Set(try everyImage(of: rig.disk).map { try $0.readFile("/store/a") })
    let gap = [1] + Array(repeating: UInt8(0), count: 4095)
    #expect(states == [[1], gap + page(0), gap + page(2)])
  }

  @Test func `a file shrunk without a sync may come back whole`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1) + page(2))
    try rig.disk.setSize(file, byteCount: 100)
    try rig.disk.setSize(file, byteCount: 8192)
    let zeros = Array(repeating: UInt8(0), count: 8092)
    #expect(try rig.bytes("a") == Array(repeating: 1, count: 100) + zeros)
    #expect(try rig.disk.crashImage(.loseAll).readFile("/store/a") == page(1) + page(2))
    try rig.disk.synchronizeData(file)
    #expect(try rig.disk.crashImage(.loseAll).readFile("/store/a") == rig.bytes("a"))
  }

  @Test func `bytes behind an end that survived do not come back when the file grows`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    try rig.disk.setSize(file, byteCount: 100)
    for image in try everyImage(of: rig.disk).map(Rig.init) {
      let file = try image.disk.open("a", in: image.directory, .readWrite)
      let size = try image.disk.status(of: file).byteCount
      try image.disk.setSize(file, byteCount: 8192)
      let last = try #require(try image.bytes("a").lastIndex(of: 1))
      #expect(last < Int(size))
    }
  }

  @Test func `a durable write covers its bytes and not those around them`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(0))
    try rig.write(file, page(1))
    try rig.writeDurably(file, [9, 9, 9], at: 10)
    for image in everyImage(of: rig.disk) {
      let bytes = try image.readFile("/store/a")
      #expect(bytes[10..<13] == [9, 9, 9])
      #expect(bytes[0] == bytes[4095])
    }
    let others = Set(try everyImage(of: rig.disk).map { try $0.readFile("/store/a")[0] })
    #expect(others == [0, 1])
  }

  @Test func `a durable write after a truncation keeps its bytes inside the file`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1) + page(1))
    try rig.disk.setSize(file, byteCount: 0)
    try rig.writeDurably(file, page(7) + [7])
    for image in everyImage(of: rig.disk) {
      #expect(try image.readFile("/store/a").prefix(4097) == (page(7) + [7])[...])
    }
  }

  @Test(arguments: [1, 8, 512]) func `a page tears at multiples of a granularity`(
    _ granularity: Int
  ) throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    try rig.write(file, page(2))
    var tornCount = 0
    for seed in 0..<400 {
      let image = rig.disk.crashImage(
        .random(tearGranularity: granularity), seed: UInt64(seed))
      let bytes = try image.readFile("/store/a")
      let changes = (1..<4096).filter { bytes[$0] != bytes[$0 - 1] }
      #expect(changes.allSatisfy { $0 % granularity == 0 })
      tornCount += changes.isEmpty ? 0 : 1
      // Tears are as fine as they may be, not coarser.
      if changes.count > 100 { #expect(changes.contains { $0 % (granularity * 2) != 0 }) }
    }
    #expect(tornCount > 20)
  }

  @Test(arguments: [nil, 4096]) func `a page is whole without a finer granularity`(
    _ granularity: Int?
  ) throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    try rig.write(file, page(2))
    for seed in 0..<100 {
      let image = rig.disk.crashImage(
        .random(tearGranularity: granularity), seed: UInt64(seed))
      #expect([page(1), page(2)].contains(try image.readFile("/store/a")))
    }
  }

  @Test func `a tear changes no byte that the write did not change`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    try rig.write(file, [2, 2, 2, 2, 2, 2], at: 1000)
    for seed in 0..<200 {
      let image = rig.disk.crashImage(.random(tearGranularity: 1), seed: UInt64(seed))
      let bytes = try image.readFile("/store/a")
      #expect(bytes[..<1000] == page(1)[..<1000] && bytes[1006...] == page(1)[1006...])
    }
  }

  @Test func `without power-safe overwrite a whole sector can become garbage`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    try rig.write(file, [2], at: 600)
    let plan = CrashPlan(tearGranularity: 512, destroysOverwrittenSectors: true)
    var destroyedCount = 0
    for seed in 0..<400 {
      let bytes = try rig.disk.crashImage(plan, seed: UInt64(seed)).readFile("/store/a")
      #expect(bytes[..<512] == page(1)[..<512] && bytes[1024...] == page(1)[1024...])
      if bytes[512] != 1 || bytes[1023] != 1 { destroyedCount += 1 }
    }
    #expect(destroyedCount > 0)
  }

  @Test func `newly exposed pages can show bytes of deleted files`() throws {
    let rig = try Rig()
    rig.disk.close(try rig.createDurably("old", page(0xaa)))
    try rig.disk.unlink("old", in: rig.directory)
    try rig.disk.synchronize(rig.directory)
    let file = try rig.createDurably("new", [])
    try rig.disk.allocate(file, byteCount: 16384)
    let seen = Set(
      try (0..<200).flatMap { seed in
        try rig.disk.crashImage(.random, seed: UInt64(seed)).readFile("/store/new")
      })
    #expect(seen == [0, 0xaa])
    try rig.disk.synchronizeData(file)
    let kept = try rig.disk.crashImage(.random, seed: 1).readFile("/store/new")
    #expect(kept == Array(repeating: 0, count: 16384))
  }

  @Test func `a killed process loses nothing, and a power cut after it can`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    try rig.write(file, page(2))
    _ = try rig.create("b")
    #expect(try rig.disk.lockExclusively(file))
    let killed = try Rig(rig.disk.crashImage(.processKill))
    #expect(try killed.bytes("a") == page(2))
    #expect(killed.names == ["a", "b"])
    #expect(killed.disk.openHandleCount == 1)
    let again = try killed.disk.open("a", in: killed.directory, .readWrite)
    #expect(try killed.disk.lockExclusively(again))
    let cut = killed.disk.crashImage(.loseAll)
    #expect(cut.paths == ["/store/a"])
    #expect(try cut.readFile("/store/a") == page(1))
  }

  @Test func `an image is a file system of its own`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    let image = try Rig(rig.disk.crashImage(.keepAll))
    let copy = try image.disk.open("a", in: image.directory, .readWrite)
    try image.write(copy, page(3))
    #expect(try rig.bytes("a") == page(1))
    try rig.write(file, page(4))
    #expect(try image.bytes("a") == page(3))
    #expect(try image.disk.crashImage(.loseAll).readFile("/store/a") == page(1))
  }

  @Test func `the same seed gives the same image`() throws {
    let rig = try Rig()
    for name in ["a", "b", "c", "d"] {
      let file = try rig.create(name)
      for index: UInt64 in 0..<20 { try rig.write(file, page(UInt8(index)), at: index * 2000) }
    }
    try rig.rename("a", "e")
    var distinct: Set<[String: [UInt8]]> = []
    for seed: UInt64 in 0..<50 {
      let first = try contents(rig.disk.crashImage(.random(tearGranularity: 1), seed: seed))
      let second = try contents(rig.disk.crashImage(.random(tearGranularity: 1), seed: seed))
      #expect(first == second)
      distinct.insert(first)
    }
    #expect(distinct.count > 25)
  }

  @Test func `two seeds cover both outcomes`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    try rig.write(file, page(2))
    let plan = CrashPlan.random(tearGranularity: nil)
    let outcomes = try (0..<40).map { seed in
      try rig.disk.crashImage(plan, seed: UInt64(seed)).readFile("/store/a")[0]
    }
    #expect(Set(outcomes) == [1, 2])
    #expect((8...32).contains(outcomes.count { $0 == 1 }))
  }

  @Test func `crashes can follow crashes`() throws {
    var rig = try Rig()
    _ = try rig.createDurably("a", page(0))
    for round: UInt8 in 1...20 {
      let file = try rig.disk.open("a", in: rig.directory, .readWrite)
      let before = try rig.bytes("a")
      try rig.write(file, page(round))
      if round % 4 == 0 { try rig.disk.synchronizeData(file) }
      rig = try Rig(rig.disk.crashImage(.random(tearGranularity: nil), seed: UInt64(round)))
      let after = try rig.bytes("a")
      #expect(after == page(round) || (round % 4 != 0 && after == before))
    }
  }
}

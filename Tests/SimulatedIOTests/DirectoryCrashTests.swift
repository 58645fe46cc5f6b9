import PlatformIO
import SimulatedIO
import Testing

struct DirectoryCrashTests {
  @Test func `a name without a directory sync may be lost with its synced contents`() throws {
    let rig = try Rig()
    let file = try rig.create("a")
    try rig.write(file, page(1))
    try rig.disk.synchronizeData(file)
    let states = Set(everyImage(of: rig.disk).map(\.paths))
    #expect(states == [[], ["/store/a"]])
    try rig.disk.synchronize(rig.directory)
    #expect(rig.disk.crashImage(.loseAll).paths == ["/store/a"])
  }

  @Test func `a name can survive without contents`() throws {
    let rig = try Rig()
    let file = try rig.create("a")
    try rig.write(file, page(1))
    try rig.disk.synchronize(rig.directory)
    #expect(try rig.disk.crashImage(.loseAll).readFile("/store/a") == [])
  }

  @Test func `a rename is atomic`() throws {
    let rig = try Rig()
    _ = try rig.createDurably("old", [1])
    _ = try rig.createDurably("new", [2])
    try rig.rename("old", "new")
    let states = Set(try everyImage(of: rig.disk).map(contents))
    #expect(states == [["/store/old": [1], "/store/new": [2]], ["/store/new": [1]]])
    try rig.disk.synchronize(rig.directory)
    #expect(Set(try everyImage(of: rig.disk).map(contents)) == [["/store/new": [1]]])
  }

  @Test func `a rename between directories is whole until both are synced`() throws {
    let rig = try Rig()
    _ = try rig.createDurably("a", [1])
    try rig.disk.makeDirectory("sub", in: rig.directory)
    try rig.disk.synchronize(rig.directory)
    let sub = try rig.disk.openDirectory("sub", in: rig.directory)
    try rig.disk.rename("a", in: rig.directory, to: "b", in: sub)
    let both: Set = [["/store/a"], ["/store/sub/b"]]
    #expect(Set(everyImage(of: rig.disk).map(\.paths)) == both)
    try rig.disk.synchronize(sub)
    #expect(Set(everyImage(of: rig.disk).map(\.paths)) == both)
    try rig.disk.synchronize(rig.directory)
    #expect(Set(everyImage(of: rig.disk).map(\.paths)) == [["/store/sub/b"]])
  }

  @Test func `a name vacated by a rename takes no file with it`() throws {
    let rig = try Rig()
    _ = try rig.createDurably("log", [1])
    try rig.rename("log", "log.1")
    try rig.write(try rig.create("log"), [2])
    for image in everyImage(of: rig.disk) {
      let found = try contents(image)
      #expect(found["/store/log"] == [1] || found["/store/log.1"] == [1])
    }
    #expect(Set(everyImage(of: rig.disk).map(\.paths)).count == 3)
  }

  @Test func `a file created and renamed without a sync is there once or not at all`() throws {
    let rig = try Rig()
    _ = try rig.create("a.new")
    try rig.rename("a.new", "a")
    let states = Set(everyImage(of: rig.disk).map(\.paths))
    #expect(states == [[], ["/store/a.new"], ["/store/a"]])
  }

  @Test func `a deleted file can come back`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", [1])
    rig.disk.close(file)
    try rig.disk.unlink("a", in: rig.directory)
    #expect(Set(try everyImage(of: rig.disk).map(contents)) == [[:], ["/store/a": [1]]])
    try rig.disk.synchronize(rig.directory)
    #expect(Set(everyImage(of: rig.disk).map(\.paths)) == [[]])
  }

  @Test func `changes of one directory survive in any subset`() throws {
    let rig = try Rig()
    for name in ["a", "b", "c"] { _ = try rig.create(name) }
    #expect(Set(everyImage(of: rig.disk).map(\.paths)).count == 8)
  }

  @Test func `a directory is lost with all it holds until its parent is synced`() throws {
    let rig = try Rig()
    try rig.disk.makeDirectory("sub", in: rig.directory)
    let sub = try rig.disk.openDirectory("sub", in: rig.directory)
    _ = try rig.disk.open("a", in: sub, .create)
    try rig.disk.synchronize(sub)
    #expect(!rig.disk.crashImage(.loseAll).exists("/store/sub"))
    try rig.disk.synchronizeParent(ofDirectoryAt: "/store/sub")
    #expect(rig.disk.crashImage(.loseAll).paths == ["/store/sub/a"])
  }

  @Test func `a directory made by path needs a sync of its parent`() throws {
    let disk = SimulatedFileSystem()
    try disk.makeDirectory(path: "/store")
    #expect(!disk.crashImage(.loseAll).exists("/store"))
    try disk.synchronizeParent(ofDirectoryAt: "/store")
    #expect(disk.crashImage(.loseAll).exists("/store"))
  }

  @Test func `a directory whose files came back was not removed`() throws {
    let rig = try Rig()
    try rig.disk.makeDirectory("sub", in: rig.directory)
    try rig.disk.synchronize(rig.directory)
    let sub = try rig.disk.openDirectory("sub", in: rig.directory)
    _ = try rig.disk.open("a", in: sub, .create)
    try rig.disk.synchronize(sub)
    try rig.disk.unlink("a", in: sub)
    try rig.disk.removeDirectory("sub", in: rig.directory)
    for image in everyImage(of: rig.disk) {
      #expect(image.paths == [] || image.paths == ["/store/sub/a"])
    }
  }

  @Test func `a place in the tables used again shows nothing of the old file`() throws {
    let rig = try Rig()
    for round in 0..<300 {
      let file = try rig.createDurably("f\(round)", page(UInt8(round & 255)))
      rig.disk.close(file)
      try rig.disk.unlink("f\(round)", in: rig.directory)
      try rig.disk.synchronize(rig.directory)
    }
    let file = try rig.create("last")
    #expect(try rig.bytes("last") == [])
    #expect(try rig.disk.allocatedByteCount(of: file) == 0)
    #expect(rig.disk.usedByteCount == 0)
  }
}

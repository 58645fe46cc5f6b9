import PlatformIO
import SimulatedIO
import Testing

struct FileSystemBehaviourTests {
  @Test func `names are found, refused and listed as a file system does`() throws {
    let rig = try Rig()
    _ = try rig.create("a")
    #expect(throws: FileSystemError(.open, "/store/a", .alreadyExists)) { try rig.create("a") }
    #expect(throws: FileSystemError(.open, "/store/b", .notFound)) {
      try rig.disk.open("b", in: rig.directory, .readOnly)
    }
    try rig.disk.makeDirectory("sub", in: rig.directory)
    #expect(throws: FileSystemError(.openDirectory, "/store/a", .notADirectory)) {
      try rig.disk.openDirectory("a", in: rig.directory)
    }
    #expect(throws: FileSystemError(.open, "/store/sub", .notARegularFile)) {
      try rig.disk.open("sub", in: rig.directory, .readOnly)
    }
    #expect(throws: FileSystemError(.unlink, "/store/sub", .notARegularFile)) {
      try rig.disk.unlink("sub", in: rig.directory)
    }
    #expect(
      Set(try rig.disk.entries(of: rig.directory)) == [
        DirectoryEntry(name: "a", kind: .regular), DirectoryEntry(name: "sub", kind: .directory),
      ])
    #expect(throws: FileSystemError.self) { try rig.create("x/y") }
    #expect(throws: FileSystemError.self) { try rig.create("..") }
  }

  @Test func `only empty directories are removed`() throws {
    let rig = try Rig()
    try rig.disk.makeDirectory("sub", in: rig.directory)
    let sub = try rig.disk.openDirectory("sub", in: rig.directory)
    _ = try rig.disk.open("a", in: sub, .create)
    #expect(throws: FileSystemError.self) {
      try rig.disk.removeDirectory("sub", in: rig.directory)
    }
    try rig.disk.unlink("a", in: sub)
    try rig.disk.removeDirectory("sub", in: rig.directory)
    #expect(throws: FileSystemError(.open, "/store/sub/b", .notFound)) {
      try rig.disk.open("b", in: sub, .create)
    }
  }

  @Test func `special files are refused and links are not followed`() throws {
    let rig = try Rig()
    _ = try rig.createDurably("real", [1])
    let specials: [SpecialFile] = [.symbolicLink(to: "/store/real"), .fifo, .socket, .device]
    for special in specials {
      try rig.disk.placeSpecialFile(special, at: "/store/x")
      #expect(throws: FileSystemError(.open, "/store/x", .notARegularFile)) {
        try rig.disk.open("x", in: rig.directory, .readOnly)
      }
      #expect(
        try rig.disk.entries(of: rig.directory).contains(DirectoryEntry(name: "x", kind: .other)))
      #expect(rig.disk.crashImage(.loseAll).exists("/store/x"))
    }
    try rig.disk.placeSpecialFile(.symbolicLink(to: "/store"), at: "/link")
    _ = try rig.disk.openDirectory(path: "/link")
    try rig.disk.placeSpecialFile(.symbolicLink(to: "/loop"), at: "/loop")
    #expect(throws: FileSystemError(.openDirectory, "/loop", .notADirectory)) {
      try rig.disk.openDirectory(path: "/loop")
    }
    try rig.disk.placeDirectory(at: "/store/real")
    #expect(throws: FileSystemError(.open, "/store/real", .notARegularFile)) {
      try rig.disk.open("real", in: rig.directory, .readOnly)
    }
  }

  @Test func `a lock belongs to one opening and ends with it`() throws {
    let rig = try Rig()
    let first = try rig.create("lock")
    let second = try rig.disk.open("lock", in: rig.directory, .readWrite)
    #expect(try rig.disk.lockExclusively(first))
    #expect(try rig.disk.lockExclusively(first))
    #expect(try !rig.disk.lockExclusively(second))
    rig.disk.close(first)
    #expect(try rig.disk.lockExclusively(second))
  }

  @Test func `reads end at the end of the file`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1) + [2, 3])
    var buffer: [UInt8] = Array(repeating: 9, count: 8)
    func read(at position: UInt64) throws -> Int {
      try buffer.withUnsafeMutableBytes { try rig.disk.read(file, into: $0, at: position) }
    }
    #expect(try read(at: 4094) == 4)
    #expect(buffer == [1, 1, 2, 3, 9, 9, 9, 9])
    #expect(try read(at: 4098) == 0)
    #expect(try read(at: .max) == 0)
  }

  @Test func `identity tells files apart and follows a rename`() throws {
    let rig = try Rig()
    let (first, second) = (try rig.create("a"), try rig.create("b"))
    let before = try rig.disk.status(of: first)
    try rig.rename("a", "c")
    #expect(try rig.disk.status(of: first).identity == before.identity)
    #expect(try rig.disk.status(of: second).identity != before.identity)
    #expect(before.linkCount == 1)
    try rig.disk.overrideLinkCount("/store/c", 2)
    #expect(try rig.disk.status(of: first).linkCount == 2)
    try rig.disk.overrideLinkCount("/store/c", nil)
    try rig.disk.unlink("c", in: rig.directory)
    #expect(try rig.disk.status(of: first).linkCount == 0)
  }

  @Test func `damage at rest reaches cache, disk and mappings`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(0))
    try rig.write(file, [1])
    let region = try rig.disk.map(file, byteCount: 4096, writable: false)
    try rig.disk.flipBit("/store/a", byte: 0, bit: 7)
    #expect(try rig.bytes("a")[0] == 0x81)
    #expect(region[0] == 0x81)
    let states = Set(try everyImage(of: rig.disk).map { try $0.readFile("/store/a")[0] })
    #expect(states == [0x80, 0x81])
    try rig.disk.fill("/store/a", at: 512, count: 512, with: 0xee)
    #expect(try rig.disk.crashImage(.loseAll).readFile("/store/a").count { $0 == 0xee } == 512)
    #expect(throws: FileSystemError.self) { try rig.disk.flipBit("/store/a", byte: 4096, bit: 0) }
  }

  @Test func `files can be replaced, cut and removed behind the program's back`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    try rig.write(file, page(2))
    try rig.disk.replaceFile("/store/a", with: [5, 6])
    #expect(try rig.disk.crashImage(.loseAll).readFile("/store/a") == [5, 6])
    #expect(try rig.disk.status(of: file).byteCount == 2)
    try rig.disk.truncate("/store/a", to: 1)
    #expect(try rig.disk.crashImage(.loseAll).readFile("/store/a") == [5])
    try rig.disk.replaceFile("/other/b", with: [7])
    #expect(rig.disk.crashImage(.loseAll).paths == ["/other/b", "/store/a"])
    _ = try rig.create("unsynced")
    try rig.disk.removeFile("/store/a")
    #expect(rig.disk.crashImage(.loseAll).paths == ["/other/b"])
    #expect(try rig.disk.status(of: file).linkCount == 0)
  }

  @Test func `handles that are not open are answered with an error`() throws {
    let rig = try Rig()
    let file = try rig.create("a")
    rig.disk.close(file)
    #expect(throws: FileSystemError.self) { try rig.write(file, [1]) }
    rig.disk.close(file)
    #expect(rig.disk.misuseCount == 2)
    #expect(rig.disk.openHandleCount == 1)
    rig.disk.close(rig.directory)
    #expect(rig.disk.openHandleCount == 0)
  }

  @Test func `a process runs out of handles`() throws {
    var options = SimulatedFileSystem.Options()
    options.openHandleLimit = 2
    let rig = try Rig(options: options)
    let file = try rig.create("a")
    #expect(throws: FileSystemError(.open, "/store/b", .tooManyOpenFiles)) { try rig.create("b") }
    #expect(rig.names == ["a"])
    rig.disk.close(file)
    _ = try rig.create("b")
  }

  @Test func `a long random history reads back as a plain array of bytes would`() throws {
    let random = SeededRandom(seed: 42)
    let rig = try Rig()
    var file = try rig.createDurably("a", [])
    var model: [UInt8] = []
    var region: UnsafeMutableRawBufferPointer?
    func resize(_ count: Int) {
      if count < model.count { model.removeLast(model.count - count) }
      while model.count < count { model.append(0) }
    }
    for step in 0..<3000 {
      let position = random.below(30000)
      switch random.below(12) {
      case 0...4:
        let bytes = (0..<random.below(6000)).map { UInt8(truncatingIfNeeded: $0 + step) }
        if step % 3 == 0 {
          try rig.writeDurably(file, bytes, at: UInt64(position))
        } else {
          try rig.write(file, bytes, at: UInt64(position))
        }
        if bytes.isEmpty { break }
        resize(max(model.count, position + bytes.count))
        model.replaceSubrange(position..<position + bytes.count, with: bytes)
      case 5:
        let count = random.below(9000)
        try rig.disk.punchHole(file, at: UInt64(position), byteCount: UInt64(count))
        for index in position..<max(position, min(position + count, model.count)) {
          model[index] = 0
        }
      case 6 where region == nil:
        try rig.disk.setSize(file, byteCount: UInt64(position))
        resize(position)
      case 7 where region == nil && !model.isEmpty:
        region = try rig.disk.map(file, byteCount: model.count, writable: true)
      case 8:
        if let mapped = region {
          rig.disk.unmap(mapped)
          region = nil
        }
      case 9:
        if let mapped = region {
          let place = random.below(mapped.count)
          mapped[place] = UInt8(step & 255)
          model[place] = UInt8(step & 255)
        }
      case 10: try rig.disk.synchronizeData(file)
      default:
        if region == nil {
          rig.disk.close(file)
          file = try rig.disk.open("a", in: rig.directory, .readWrite)
        }
      }
      if step % 50 == 0 {
        #expect(try rig.bytes("a") == model, "step \(step)")
        #expect(try rig.disk.crashImage(.keepAll).readFile("/store/a") == model, "step \(step)")
      }
    }
  }
}

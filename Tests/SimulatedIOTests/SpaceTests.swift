import PlatformIO
import SimulatedIO
import Testing

struct SpaceTests {
  private func smallRig(pages: UInt64) throws -> Rig {
    var options = SimulatedFileSystem.Options()
    options.byteCapacity = pages * 4096
    return try Rig(options: options)
  }

  @Test func `a full disk refuses writes and keeps the part that fits`() throws {
    let rig = try smallRig(pages: 2)
    let file = try rig.create("a")
    #expect(throws: FileSystemError(.write, "/store/a", .noSpace)) {
      try rig.write(file, page(1) + page(2) + page(3))
    }
    #expect(try rig.bytes("a") == page(1) + page(2))
    try rig.write(file, page(4), at: 4096)
    #expect(try rig.disk.space(of: rig.directory).availableByteCount == 0)
  }

  @Test func `allocation takes space once and is all or nothing`() throws {
    let rig = try smallRig(pages: 4)
    let file = try rig.create("a")
    try rig.write(file, page(1), at: 4096)
    try rig.disk.allocate(file, byteCount: 3 * 4096)
    #expect(rig.disk.usedByteCount == 3 * 4096)
    #expect(try rig.disk.allocatedByteCount(of: file) == 3 * 4096)
    #expect(throws: FileSystemError(.allocate, "/store/a", .noSpace)) {
      try rig.disk.allocate(file, byteCount: 5 * 4096)
    }
    #expect(try rig.disk.status(of: file).byteCount == 3 * 4096)
    try rig.disk.allocate(file, byteCount: 2 * 4096)
    #expect(try rig.disk.status(of: file).byteCount == 3 * 4096)
  }

  @Test func `deleting, punching and shrinking give space back`() throws {
    let rig = try smallRig(pages: 4)
    let (first, second) = (try rig.create("a"), try rig.create("b"))
    try rig.write(first, page(1) + page(1))
    try rig.write(second, page(2) + page(2))
    try rig.disk.punchHole(first, at: 0, byteCount: 4096)
    #expect(rig.disk.usedByteCount == 3 * 4096)
    #expect(try rig.bytes("a") == page(0) + page(1))
    try rig.disk.setSize(second, byteCount: 4096)
    #expect(rig.disk.usedByteCount == 2 * 4096)
    try rig.disk.unlink("a", in: rig.directory)
    #expect(rig.disk.usedByteCount == 2 * 4096)
    rig.disk.close(first)
    #expect(rig.disk.usedByteCount == 4096)
  }

  @Test func `room can be made and taken at run time`() throws {
    let rig = try smallRig(pages: 1)
    let file = try rig.create("a")
    try rig.write(file, page(1))
    #expect(throws: FileSystemError.self) { try rig.write(file, page(2), at: 4096) }
    rig.disk.byteCapacity = 2 * 4096
    try rig.write(file, page(2), at: 4096)
    rig.disk.byteCapacity = 0
    try rig.write(file, page(3), at: 4096)
    #expect(throws: FileSystemError.self) { try rig.write(file, page(2), at: 8192) }
  }

  @Test func `an image counts the space of what survived`() throws {
    let rig = try smallRig(pages: 8)
    _ = try rig.createDurably("a", page(1))
    try rig.write(try rig.create("b"), page(2))
    #expect(rig.disk.crashImage(.loseAll).usedByteCount == 4096)
    #expect(rig.disk.crashImage(.keepAll).usedByteCount == 8192)
    #expect(rig.disk.crashImage(.processKill).usedByteCount == 8192)
  }

  @Test func `a file system without allocation or holes says so`() throws {
    var options = SimulatedFileSystem.Options()
    options.supportsAllocation = false
    options.supportsHoles = false
    let rig = try Rig(options: options)
    let file = try rig.create("a")
    #expect(throws: FileSystemError(.allocate, "/store/a", .unsupported)) {
      try rig.disk.allocate(file, byteCount: 1)
    }
    #expect(throws: FileSystemError(.punchHole, "/store/a", .unsupported)) {
      try rig.disk.punchHole(file, at: 0, byteCount: 1)
    }
  }

  @Test func `positions no file can have are refused`() throws {
    let rig = try Rig()
    let file = try rig.create("a")
    for position in [UInt64.max, UInt64.max / 2, 1 << 62, 1 << 41] {
      #expect(throws: FileSystemError(.write, "/store/a", .noSpace)) {
        try rig.write(file, [1], at: position)
      }
      #expect(throws: FileSystemError.self) { try rig.disk.setSize(file, byteCount: position) }
    }
    try rig.disk.setSize(file, byteCount: 1 << 39)
    #expect(try rig.disk.status(of: file).byteCount == 1 << 39)
    #expect(rig.disk.usedByteCount == 0)
  }

  @Test func `a read-only mount refuses changes and serves reads`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", [1])
    rig.disk.isReadOnly = true
    #expect(throws: FileSystemError(.write, "/store/a", .readOnlyFileSystem)) {
      try rig.write(file, [2])
    }
    #expect(throws: FileSystemError(.open, "/store/b", .readOnlyFileSystem)) {
      try rig.create("b")
    }
    #expect(throws: FileSystemError(.open, "/store/a", .readOnlyFileSystem)) {
      try rig.disk.open("a", in: rig.directory, .readWrite)
    }
    _ = try rig.disk.open("a", in: rig.directory, .readOnly)
    #expect(try rig.disk.space(of: rig.directory).isReadOnly)
  }
}

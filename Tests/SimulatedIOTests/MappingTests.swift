import PlatformIO
import SimulatedIO
import Testing

struct MappingTests {
  @Test func `stores through a mapping count as writes`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1) + page(1))
    let region = try rig.disk.map(file, byteCount: 8192, writable: true)
    region[5000] = 7
    #expect(try rig.bytes("a")[5000] == 7)
    #expect(Set(try everyImage(of: rig.disk).map { try $0.readFile("/store/a")[5000] }) == [1, 7])
    try rig.disk.synchronizeData(file)
    region[5000] = 8
    #expect(Set(try everyImage(of: rig.disk).map { try $0.readFile("/store/a")[5000] }) == [7, 8])
    rig.disk.unmap(region)
    #expect(try rig.disk.crashImage(.keepAll).readFile("/store/a")[5000] == 8)
  }

  @Test func `stores before different operations are different versions`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(0))
    let other = try rig.createDurably("b", [])
    let region = try rig.disk.map(file, byteCount: 4096, writable: true)
    for value: UInt8 in 1...3 {
      region[0] = value
      try rig.writeDurably(other, [value])
    }
    let states = Set(try everyImage(of: rig.disk).map { try $0.readFile("/store/a")[0] })
    #expect(states == [0, 1, 2, 3])
  }

  @Test func `a mapping and writes see each other`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    let region = try rig.disk.map(file, byteCount: 4096, writable: true)
    let reader = try rig.disk.map(file, byteCount: 4096, writable: false)
    try rig.write(file, [2, 3], at: 10)
    #expect(region[10] == 2 && reader[11] == 3)
    region[12] = 4
    #expect(reader[12] == 4)
    var buffer: [UInt8] = [0, 0, 0]
    _ = try buffer.withUnsafeMutableBytes { try rig.disk.read(file, into: $0, at: 10) }
    #expect(buffer == [2, 3, 4])
  }

  @Test func `a mapping keeps its address while the file grows`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    let small = try rig.disk.map(file, byteCount: 4096, writable: false)
    try rig.disk.allocate(file, byteCount: 1 << 20)
    try rig.write(file, page(9), at: 1 << 19)
    let large = try rig.disk.map(file, byteCount: 1 << 20, writable: false)
    #expect(small.baseAddress == large.baseAddress)
    #expect(large[1 << 19] == 9 && small[0] == 1 && large[(1 << 20) - 1] == 0)
  }

  @Test func `a mapping beyond the size is refused`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    #expect(throws: FileSystemError(.map, "/store/a", .unexpectedEnd)) {
      try rig.disk.map(file, byteCount: 4097, writable: false)
    }
  }

  @Test func `bytes stored behind the end do not become part of a file that grows`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", [1, 1])
    let region = try rig.disk.map(file, byteCount: 2, writable: true)
    let page = UnsafeMutableRawBufferPointer(start: region.baseAddress, count: 4096)
    page[200] = 7
    try rig.disk.setSize(file, byteCount: 300)
    #expect(try rig.bytes("a")[200] == 0)
    page[400] = 7
    try rig.write(file, [1], at: 500)
    #expect(try rig.bytes("a")[400] == 0)
    #expect(try rig.disk.crashImage(.keepAll).readFile("/store/a").count { $0 != 0 } == 3)
  }

  @Test func `a mapping outlives the name and the handle`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(5))
    let region = try rig.disk.map(file, byteCount: 4096, writable: false)
    try rig.disk.unlink("a", in: rig.directory)
    rig.disk.close(file)
    #expect(rig.disk.usedByteCount == 4096)
    #expect(region[4095] == 5)
    #expect(rig.disk.mappedRegionCount == 1)
    rig.disk.unmap(region)
    #expect(rig.disk.usedByteCount == 0)
    #expect(rig.disk.mappedRegionCount == 0)
  }

  @Test func `a file cut under a mapping reads as zeros`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(5))
    let region = try rig.disk.map(file, byteCount: 4096, writable: false)
    try rig.disk.truncate("/store/a", to: 100)
    #expect(region[99] == 5 && region[100] == 0 && region[4095] == 0)
    #expect(try rig.disk.status(of: file).byteCount == 100)
  }

  @Test func `memory used again for another file shows nothing of the first`() throws {
    for round: UInt8 in 0..<20 {
      let rig = try Rig()
      let file = try rig.createDurably("a", [round])
      try rig.disk.allocate(file, byteCount: 65536)
      let region = try rig.disk.map(file, byteCount: 65536, writable: true)
      #expect(region.dropFirst().allSatisfy { $0 == 0 })
      region[Int(round) * 3000 + 1] = 0xff
      rig.disk.unmap(region)
    }
  }

  @Test func `stores into blocks nobody allocated are counted`() throws {
    let rig = try Rig()
    let file = try rig.create("a")
    try rig.disk.setSize(file, byteCount: 8192)
    let region = try rig.disk.map(file, byteCount: 8192, writable: true)
    try rig.disk.allocate(file, byteCount: 4096)
    region[0] = 1
    #expect(rig.disk.storesIntoHolesCount == 0)
    region[4096] = 1
    #expect(rig.disk.storesIntoHolesCount == 1)
  }

  @Test func `large mappings are looked through when their file is synced`() throws {
    var options = SimulatedFileSystem.Options()
    options.storeScanByteCountLimit = 0
    let rig = try Rig(options: options)
    let file = try rig.createDurably("a", page(0))
    let region = try rig.disk.map(file, byteCount: 4096, writable: true)
    region[0] = 1
    try rig.write(file, [2], at: 1)
    try rig.disk.synchronizeData(file)
    #expect(try rig.disk.crashImage(.loseAll).readFile("/store/a").prefix(2) == [1, 2])
  }

  @Test func `an image can be mapped and crash again`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    let original = try rig.disk.map(file, byteCount: 4096, writable: true)
    original[0] = 2
    let image = try Rig(rig.disk.crashImage(.keepAll))
    let copy = try image.disk.open("a", in: image.directory, .readWrite)
    let region = try image.disk.map(copy, byteCount: 4096, writable: true)
    #expect(region[0] == 2 && region.baseAddress != original.baseAddress)
    region[0] = 3
    #expect(original[0] == 2)
    #expect(try image.disk.crashImage(.keepAll).readFile("/store/a")[0] == 3)
    #expect(try image.disk.crashImage(.loseAll).readFile("/store/a")[0] == 2)
  }

  @Test func `unmapping twice is noticed`() throws {
    let rig = try Rig()
    let file = try rig.createDurably("a", page(1))
    let region = try rig.disk.map(file, byteCount: 4096, writable: false)
    rig.disk.unmap(region)
    #expect(rig.disk.misuseCount == 0)
    rig.disk.unmap(region)
    #expect(rig.disk.misuseCount == 1)
  }
}

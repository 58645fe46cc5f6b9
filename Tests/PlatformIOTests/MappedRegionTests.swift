import CPlatform
import CPlatformTestSupport
import Glibc
import PlatformIO
import Testing

@Suite struct MappedRegionTests {
  let place: TemporaryDirectory
  let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))

  init() throws { place = try TemporaryDirectory() }

  /// A file of some pages of sevens, mapped.
  private func region(pages: Int, writable: Bool = false) throws -> MappedRegion {
    let directory = try place.open()
    let file = try File(opening: "file", in: directory, .create)
    try file.write([UInt8](repeating: 7, count: pages * pageSize).span.bytes, at: 0)
    return try MappedRegion(mapping: file, byteCount: pages * pageSize, writable: writable)
  }

  @Test func `a region outlives its file and shows its bytes`() throws {
    let region = try region(pages: 2)
    let bytes = region.bytes
    #expect(bytes.byteCount == 2 * pageSize)
    #expect(bytes.unsafeLoad(fromByteOffset: pageSize, as: UInt8.self) == 7)
    #expect(region.isGuarded)
    #expect(region.faultCount == 0)
    #expect(!region.wasTruncated)
  }

  @Test func `stores reach the file, and populated pages keep their bytes`() throws {
    let region = try region(pages: 600, writable: true)
    region.populate(100..<region.byteCount)
    region.advise(0..<region.byteCount, .sequential)
    region.buffer[5] = 9
    region.advise(0..<region.byteCount, .doNotNeed)
    #expect(region.buffer[5] == 9)
    #expect(region.buffer[6] == 7)
    let directory = try place.open()
    let file = try File(opening: "file", in: directory, .readOnly)
    #expect(try file.copyBytes(1, at: 5) == [9])
  }

  @Test func `a range past the end of the file is not mapped`() throws {
    place.makeFile("short", [1, 2, 3])
    let directory = try place.open()
    let file = try File(opening: "short", in: directory, .readOnly)
    #expect(throws: FileSystemError(.map, place.path("short"), .unexpectedEnd)) {
      try MappedRegion(mapping: file, byteCount: 4, writable: false)
    }
    #expect(throws: FileSystemError(.map, place.path("short"), .unsupported)) {
      try MappedRegion(mapping: file, byteCount: 0, writable: false)
    }
  }

  @Test(arguments: [false, true])
  func `a file cut from outside counts a fault instead of ending the process`(_ writable: Bool)
    throws
  {
    let region = try region(pages: 4, writable: writable)
    truncate(place.path("file"), off_t(pageSize))
    #expect(region.buffer[0] == 7)
    #expect(region.faultCount == 0)
    #expect(region.buffer[2 * pageSize] == 0)
    #expect(region.faultCount == 1)
    if writable { region.buffer[3 * pageSize] = 1 }
    #expect(region.faultCount == (writable ? 2 : 1))
    #expect(region.wasTruncated)
    #expect(region.buffer[0] == 7, "pages that are still there keep their bytes")
  }

  @Test func `many regions are told apart`() throws {
    let directory = try place.open()
    var regions: [MappedRegion] = []
    for number in 0..<600 {
      let file = try File(opening: "\(number)", in: directory, .create)
      try file.setSize(UInt64(pageSize))
      regions.append(try MappedRegion(mapping: file, byteCount: pageSize, writable: false))
    }
    truncate(place.path("599"), 0)
    truncate(place.path("3"), 0)
    for region in regions { _ = region.buffer[1] }
    let hit = regions.indices.filter { regions[$0].wasTruncated }
    #expect(hit == [3, 599])
  }

  @Test func `a fault outside the ranges reaches the handler installed before`() async {
    await #expect(processExitsWith: .exitCode(42)) {
      piperoll_test_exit_on_bus_error(42)
      try touchAfterCut(isGuarded: false)
    }
  }

  @Test func `a fault outside the ranges without an earlier handler ends the process`() async {
    await #expect(processExitsWith: .signal(SIGBUS)) {
      signal(SIGBUS, SIG_DFL)
      try touchAfterCut(isGuarded: false)
    }
  }

  @Test func `a signal sent by a process reaches the handler installed before`() async {
    await #expect(processExitsWith: .exitCode(43)) {
      piperoll_test_exit_on_bus_error(43)
      MappingGuard.install()
      raise(SIGBUS)
      exit(1)
    }
  }

  @Test func `a host may do without the guard`() async {
    await #expect(processExitsWith: .exitCode(44)) {
      piperoll_test_exit_on_bus_error(44)
      MappingGuard.disable()
      try touchAfterCut(isGuarded: true)
    }
  }
}

/// Maps two files, the second under the guard or past it, cuts the second and touches it.
private func touchAfterCut(isGuarded: Bool) throws {
  let place = try TemporaryDirectory()
  place.makeFile("first", [1])
  place.makeFile("second", [1])
  let directory = try place.open()
  let first = try File(opening: "first", in: directory, .readOnly)
  let second = try File(opening: "second", in: directory, .readOnly)
  let kept = try MappedRegion(mapping: first, byteCount: 1, writable: false)
  let lost = try MappedRegion(mapping: second, byteCount: 1, writable: false, guarded: isGuarded)
  truncate(place.path("second"), 0)
  unlink(place.path("first"))
  unlink(place.path("second"))
  rmdir(place.path)
  exit(Int32(lost.buffer[0]) + Int32(kept.buffer[0]))
}

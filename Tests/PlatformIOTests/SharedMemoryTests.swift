import Glibc
import PlatformIO
import Testing

@Suite struct SharedMemoryTests {
  let place: TemporaryDirectory

  init() throws { place = try TemporaryDirectory() }

  private func open(_ byteCount: Int = 1 << 20) throws(FileSystemError) -> SharedMemory {
    try SharedMemory(
      opening: "shared", in: place.path, byteCount: byteCount, reserving: 0..<4096)
  }

  @Test func `two openings share their bytes`() throws {
    let first = try open()
    let second = try open()
    #expect(first.region.buffer[100] == 0)
    first.region.buffer[100] = 5
    #expect(second.region.buffer[100] == 5)
    #expect(place.mode("shared") == 0o600)
    #expect(first.path == place.path("shared"))
  }

  @Test func `only what is reserved takes blocks`() throws {
    let memory = try open(64 << 20)
    let directory = try place.open()
    let file = try File(opening: "shared", in: directory, .readOnly)
    #expect(try file.allocatedByteCount() < 1 << 20)
    try memory.reserve(1 << 20..<3 << 20)
    #expect(try file.allocatedByteCount() >= 2 << 20)
  }

  @Test func `a smaller opening cuts nothing`() throws {
    let large = try open(1 << 20)
    large.region.buffer[(1 << 20) - 1] = 3
    let small = try open(4096)
    #expect(small.region.byteCount == 4096)
    #expect(large.region.buffer[(1 << 20) - 1] == 3)
    #expect(!large.region.wasTruncated)
  }

  @Test func `a link or FIFO in its place is refused`() {
    symlink("elsewhere", place.path("shared"))
    #expect(reason { () throws(FileSystemError) in _ = try open() } == .notARegularFile)
    unlink(place.path("shared"))
    mkfifo(place.path("shared"), 0o600)
    #expect(reason { () throws(FileSystemError) in _ = try open() } == .notARegularFile)
  }

  @Test(.enabled(if: geteuid() == 0, "giving a file away needs root"))
  func `a file of another user is refused`() {
    place.makeFile("shared")
    chown(place.path("shared"), 65534, 65534)
    #expect(reason { () throws(FileSystemError) in _ = try open() } == .permissionDenied)
  }

  @Test func `a mode open to others is closed`() throws {
    place.makeFile("shared")
    chmod(place.path("shared"), 0o666)
    _ = try open()
    #expect(place.mode("shared") == 0o600)
  }

  @Test func `cutting the file is a fault that is counted`() throws {
    let memory = try open()
    truncate(place.path("shared"), 0)
    #expect(memory.region.buffer[5000] == 0)
    #expect(memory.region.wasTruncated)
  }

  @Test func `the standard directory serves, and the name can be removed`() throws {
    let name = "piperoll-test-\(getpid())"
    let memory = try SharedMemory(opening: name, byteCount: 4096, reserving: 0..<4096)
    memory.region.buffer[0] = 1
    try memory.unlink()
    #expect(memory.region.buffer[0] == 1)
    #expect(access("/dev/shm/" + name, F_OK) != 0)
  }
}

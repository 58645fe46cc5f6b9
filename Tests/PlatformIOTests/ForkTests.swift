import CPlatform
import CPlatformTestSupport
import Glibc
import PlatformIO
import Synchronization
import Testing

/// Opens the file at a path and tries to lock it: 1 refused, 0 locked, 2 not opened.
func lockInChild(_ context: UnsafeMutableRawPointer) -> Int32 {
  let descriptor = piperoll_openat(AT_FDCWD, context.assumingMemoryBound(to: CChar.self), O_RDWR, 0)
  guard descriptor >= 0 else { return 2 }
  return piperoll_lock_exclusively(descriptor) == 0 ? 0 : 1
}

@Suite struct ForkTests {
  @Test func `a forked child is of another generation`() {
    let before = ForkGeneration.current
    var generation = before.rawValue
    let answer = piperoll_test_in_child(
      { $0.load(as: UInt64.self) + 1 == piperoll_fork_generation() ? 0 : 1 }, &generation)
    #expect(answer == 0)
    #expect(before.isCurrent)
  }

  @Test func `a forked child cannot write through the handles of its parent`() throws {
    let place = try TemporaryDirectory()
    place.makeFile("file", [1, 2, 3])
    let directory = try place.open()
    let file = try File(opening: "file", in: directory, .readWrite)
    let reader = try File(opening: "file", in: directory, .readOnly)
    var descriptors = [file.handle.rawValue, reader.handle.rawValue]
    let answer = piperoll_test_in_child(
      { context in
        let descriptors = context.assumingMemoryBound(to: Int32.self)
        var byte: UInt8 = 9
        guard pwrite(descriptors[0], &byte, 1, 0) == -1, errno == EBADF else { return 1 }
        guard pread(descriptors[0], &byte, 1, 0) == -1, errno == EBADF else { return 2 }
        // The number stays taken, so that nothing else is closed in its place.
        guard fcntl(descriptors[0], F_GETFD) == FD_CLOEXEC else { return 3 }
        guard pread(descriptors[1], &byte, 1, 0) == 1, byte == 1 else { return 4 }
        return 0
      }, &descriptors)
    #expect(answer == 0)
    #expect(try file.copyBytes(3, at: 0) == [1, 2, 3], "the parent's own is untouched")
  }

  @Test func `a lock ends with its owner although a forked child lives on`() throws {
    let place = try TemporaryDirectory()
    place.makeFile("lock")
    let directory = try place.open()
    var locked = Optional(try File(opening: "lock", in: directory, .readWrite))
    #expect(try locked?.lockExclusively() == true)
    // The child says that it is there, and holds what it inherited until told to go.
    var ends: [Int32] = [0, 0, 0, 0]
    #expect(ends.withUnsafeMutableBufferPointer { pipe($0.baseAddress) } == 0)
    #expect(ends.withUnsafeMutableBufferPointer { pipe($0.baseAddress?.advanced(by: 2)) } == 0)
    let answer = Atomic<Int32>(-1)
    let child = try DedicatedThread.start(name: "fork") { [ends] in
      var ends = ends
      let result = piperoll_test_in_child(
        { context in
          let ends = context.assumingMemoryBound(to: Int32.self)
          var byte: UInt8 = 1
          Glibc.close(ends[3])
          Glibc.write(ends[1], &byte, 1)
          return Glibc.read(ends[2], &byte, 1) == 1 ? 0 : 1
        }, &ends)
      answer.store(result, ordering: .releasing)
    }
    var byte: UInt8 = 0
    #expect(Glibc.read(ends[0], &byte, 1) == 1)
    let second = try File(opening: "lock", in: directory, .readWrite)
    #expect(try !second.lockExclusively())
    _ = locked.take()
    #expect(try second.lockExclusively())
    Glibc.write(ends[3], &byte, 1)
    child.join()
    #expect(answer.load(ordering: .acquiring) == 0)
    for end in ends { Glibc.close(end) }
  }
}

import CPlatformTestSupport
import Glibc
import PlatformIO
import Testing

@Suite struct PosixFileSystemTransferTests {
  let place: TemporaryDirectory

  init() throws { place = try TemporaryDirectory() }

  @Test func `bytes written are read back, and fewer only at the end`() throws {
    let directory = try place.open()
    let file = try File(opening: "file", in: directory, .create)
    let bytes = [UInt8](0..<100)
    try file.write(bytes.span.bytes, at: 10)
    try file.writeDurably(bytes.span.bytes, at: 110)
    try file.synchronizeData()
    #expect(try file.status().byteCount == 210)
    #expect(try file.copyBytes(100, at: 10) == bytes)
    #expect(try file.copyBytes(100, at: 110) == bytes)
    #expect(try file.copyBytes(10, at: 0) == [UInt8](repeating: 0, count: 10))
    var buffer = [UInt8](repeating: 0, count: 50)
    let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0, at: 200) }
    #expect(count == 10)
    #expect(throws: FileSystemError(.read, place.path("file"), .unexpectedEnd)) {
      try file.copyBytes(11, at: 200)
    }
  }

  @Test func `positions past the range of the system are errors`() throws {
    let directory = try place.open()
    let file = try File(opening: "file", in: directory, .create)
    let overflow = FileSystemError.Reason.system(errorNumber: EOVERFLOW)
    for position in [UInt64.max, UInt64(Int64.max) + 1] {
      #expect(
        reason { () throws(FileSystemError) in _ = try file.copyBytes(1, at: position) } == overflow
      )
      #expect(
        reason { () throws(FileSystemError) in
          try file.write([UInt8(1)].span.bytes, at: position)
        } == overflow)
      #expect(reason { () throws(FileSystemError) in try file.setSize(position) } == overflow)
    }
  }

  @Test func `allocation extends the size and takes blocks, and a hole gives them back`() throws {
    let directory = try place.open()
    let file = try File(opening: "file", in: directory, .create)
    try file.allocate(byteCount: 1 << 20)
    #expect(try file.status().byteCount == 1 << 20)
    #expect(try file.allocatedByteCount() >= 1 << 20)
    try file.write([UInt8](repeating: 7, count: 4096).span.bytes, at: 8192)
    try file.punchHole(at: 0, byteCount: 1 << 20)
    #expect(try file.status().byteCount == 1 << 20)
    #expect(try file.allocatedByteCount() < 64 << 10)
    #expect(try file.copyBytes(4096, at: 8192) == [UInt8](repeating: 0, count: 4096))
    try file.setSize(4096)
    #expect(try file.status().byteCount == 4096)
  }

  @Test func `writing to a file opened for reading fails with its path`() throws {
    place.makeFile("file", [1])
    let directory = try place.open()
    let file = try File(opening: "file", in: directory, .readOnly)
    #expect(throws: FileSystemError(.write, place.path("file"), .system(errorNumber: EBADF))) {
      try file.write([UInt8(1)].span.bytes, at: 0)
    }
  }

  // MARK: Limits

  @Test func `too many open files has its own reason`() async {
    await #expect(processExitsWith: .success) {
      let place = try TemporaryDirectory()
      place.makeFile("file")
      guard piperoll_test_limit_open_files(1) == 0 else { exit(2) }
      let found = reason { () throws(FileSystemError) in
        _ = try place.system.open("file", in: place.handle, .readOnly)
      }
      let listed = reason { () throws(FileSystemError) in
        _ = try place.system.entries(of: place.handle)
      }
      // For what the process still does at its end.
      guard piperoll_test_limit_open_files(1024) == 0 else { exit(3) }
      guard found == .tooManyOpenFiles, listed == .tooManyOpenFiles else { exit(4) }
    }
  }

  @Test func `the file-size limit is an error and not a signal`() async {
    await #expect(processExitsWith: .success) {
      piperoll_test_reset_file_size_signal()
      let place = try TemporaryDirectory()
      guard piperoll_test_file_size_signal_is_ignored() != 0 else { exit(2) }
      let directory = try place.open()
      let file = try File(opening: "file", in: directory, .create)
      guard piperoll_test_limit_file_size(8192) == 0 else { exit(3) }
      let bytes = [UInt8](repeating: 1, count: 16384)
      let reasons = [
        reason { () throws(FileSystemError) in try file.write(bytes.span.bytes, at: 0) },
        reason { () throws(FileSystemError) in try file.writeDurably(bytes.span.bytes, at: 0) },
        reason { () throws(FileSystemError) in try file.allocate(byteCount: 16384) },
        reason { () throws(FileSystemError) in try file.setSize(16384) },
      ]
      guard reasons.allSatisfy({ $0 == .noSpace }) else { exit(4) }
    }
  }

  @Test(.enabled(if: geteuid() == 0, "mounting a small file system needs root"))
  func `a full file system is an error before a byte is stored`() throws {
    mkdir(place.path("small"), 0o700)
    try #require(piperoll_test_mount_tmpfs(place.path("small"), "size=64k") == 0)
    defer { _ = piperoll_test_unmount(place.path("small")) }
    let directory = try Directory(opening: place.path("small"), in: place.system)
    let file = try File(opening: "file", in: directory, .create)
    #expect(
      reason { () throws(FileSystemError) in try file.allocate(byteCount: 1 << 20) } == .noSpace)
    #expect(try file.status().byteCount == 0)
    let bytes = [UInt8](repeating: 1, count: 1 << 20)
    #expect(
      reason { () throws(FileSystemError) in try file.write(bytes.span.bytes, at: 0) } == .noSpace)
    #expect(try directory.space().availableByteCount == 0)
    // Removing always works.
    try directory.unlink("file")
  }

  @Test func `signals during calls change nothing`() async {
    await #expect(processExitsWith: .success) {
      let place = try TemporaryDirectory()
      let directory = try place.open()
      let file = try File(opening: "file", in: directory, .create)
      let bytes = [UInt8](repeating: 5, count: 8 << 20)
      piperoll_test_interrupt_every(200)
      for _ in 0..<5 {
        try file.allocate(byteCount: 64 << 20)
        try file.write(bytes.span.bytes, at: 0)
        try file.writeDurably(bytes.span.bytes, at: 8 << 20)
        try file.synchronizeData()
        guard try file.copyBytes(16 << 20, at: 0) == bytes + bytes else { exit(2) }
        try file.setSize(0)
      }
      piperoll_test_interrupt_every(0)
    }
  }

  // MARK: Locks

  @Test func `a lock excludes a second opening in the same process until it is closed`() throws {
    place.makeFile("lock")
    let directory = try place.open()
    let second = try File(opening: "lock", in: directory, .readWrite)
    do {
      let first = try File(opening: "lock", in: directory, .readWrite)
      #expect(try first.lockExclusively())
      #expect(try first.lockExclusively(), "taking it again changes nothing")
      #expect(try !second.lockExclusively())
    }
    #expect(try second.lockExclusively())
  }

  @Test func `a lock ends with its file although a program being started has a copy`() throws {
    place.makeFile("lock")
    let directory = try place.open()
    let second = try File(opening: "lock", in: directory, .readWrite)
    var copy: Int32 = -1
    do {
      let first = try File(opening: "lock", in: directory, .readWrite)
      #expect(try first.lockExclusively())
      // As posix_spawn leaves it in the child until that executes the program.
      copy = dup(first.handle.rawValue)
      #expect(try copy >= 0 && !second.lockExclusively())
    }
    #expect(try second.lockExclusively())
    Glibc.close(copy)
  }

  @Test func `a lock excludes an opening in another process`() throws {
    place.makeFile("lock")
    let directory = try place.open()
    let file = try File(opening: "lock", in: directory, .readWrite)
    #expect(try file.lockExclusively())
    let answer = place.path("lock").withCString { path in
      piperoll_test_in_child({ lockInChild($0) }, UnsafeMutableRawPointer(mutating: path))
    }
    #expect(answer == 1)
  }
}

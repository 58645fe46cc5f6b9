import CPlatformTestSupport
import Glibc
import PlatformIO
import Testing

@Suite struct PosixFileSystemTests {
  let place: TemporaryDirectory
  var system: PosixFileSystem { place.system }

  init() throws { place = try TemporaryDirectory() }

  /// The reason a name cannot be opened for.
  private func refusal(_ name: String, _ access: FileAccess = .readWrite)
    -> FileSystemError.Reason?
  {
    reason { () throws(FileSystemError) in
      system.close(try system.open(name, in: place.handle, access))
    }
  }

  // MARK: What is not a regular file

  @Test(arguments: [FileAccess.readOnly, .readWrite])
  func `a link is never followed`(_ access: FileAccess) {
    place.makeFile("real")
    symlink("real", place.path("link"))
    symlink("nowhere", place.path("dangling"))
    symlink("loop", place.path("loop"))
    symlink("/dev/zero", place.path("zero"))
    for name in ["link", "dangling", "loop", "zero"] {
      #expect(refusal(name, access) == .notARegularFile)
    }
  }

  @Test(.timeLimit(.minutes(15)), arguments: [FileAccess.readOnly, .readWrite])
  func `a FIFO is refused at once`(_ access: FileAccess) {
    mkfifo(place.path("fifo"), 0o600)
    #expect(refusal("fifo", access) == .notARegularFile)
  }

  @Test(arguments: [FileAccess.readOnly, .readWrite])
  func `a directory is not a file`(_ access: FileAccess) {
    mkdir(place.path("directory"), 0o700)
    #expect(refusal("directory", access) == .notARegularFile)
  }

  @Test(arguments: ["zero", "full", "null"])
  func `a device is not a file`(_ name: String) throws {
    let devices = try system.openDirectory(path: "/dev")
    defer { system.close(devices) }
    let found = reason { () throws(FileSystemError) in
      system.close(try system.open(name, in: devices, .readOnly))
    }
    #expect(found == .notARegularFile)
  }

  @Test func `a socket is not a file`() {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: place.path("socket").utf8) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
    }
    #expect(bound == 0)
    #expect(refusal("socket") == .notARegularFile)
    Glibc.close(descriptor)
  }

  @Test func `creating refuses a name that exists, a dangling link included`() {
    place.makeFile("file")
    symlink("nowhere", place.path("dangling"))
    #expect(refusal("file", .create) == .alreadyExists)
    #expect(refusal("dangling", .create) == .alreadyExists)
    #expect(access(place.path("nowhere"), F_OK) != 0)
  }

  @Test func `a missing file is not found, by its full path`() {
    let error = #expect(throws: FileSystemError.self) {
      try system.open("missing", in: place.handle, .readOnly)
    }
    #expect(error == FileSystemError(.open, place.path("missing"), .notFound))
  }

  @Test(arguments: ["", ".", "..", "a/b", "/etc/passwd", "../x", "a\0b"])
  func `a name of other than one component is refused`(_ name: String) {
    #expect(refusal(name, .create) == .system(errorNumber: EINVAL))
    #expect(
      reason { () throws(FileSystemError) in try system.makeDirectory(name, in: place.handle) }
        == .system(errorNumber: EINVAL))
    #expect(
      reason { () throws(FileSystemError) in try system.unlink(name, in: place.handle) }
        == .system(errorNumber: EINVAL))
  }

  // MARK: Directories

  @Test func `a link to a directory is followed by path and refused by name`() throws {
    mkdir(place.path("real"), 0o700)
    symlink("real", place.path("link"))
    system.close(try system.openDirectory(path: place.path("link")))
    let found = reason { () throws(FileSystemError) in
      system.close(try system.openDirectory("link", in: place.handle))
    }
    #expect(found == .notADirectory)
  }

  @Test(.timeLimit(.minutes(15)))
  func `a file, a FIFO or a looping link is not a directory`() {
    place.makeFile("file")
    mkfifo(place.path("fifo"), 0o600)
    symlink("loop", place.path("loop"))
    for name in ["file", "fifo", "loop"] {
      let byName = reason { () throws(FileSystemError) in
        system.close(try system.openDirectory(name, in: place.handle))
      }
      let byPath = reason { () throws(FileSystemError) in
        system.close(try system.openDirectory(path: place.path(name)))
      }
      #expect(byName == .notADirectory)
      #expect(byPath == .notADirectory)
    }
  }

  @Test func `all entries are listed with their kinds, links not followed`() throws {
    place.makeFile("file")
    mkdir(place.path("directory"), 0o700)
    symlink("file", place.path("link"))
    mkfifo(place.path("fifo"), 0o600)
    let invalid: [CChar] =
      Array(place.path("x").utf8CString.dropLast()) + [CChar(bitPattern: 0xff), 0]
    Glibc.close(creat(invalid, 0o600))
    let entries = Set(try system.entries(of: place.handle))
    #expect(
      entries == [
        DirectoryEntry(name: "file", kind: .regular),
        DirectoryEntry(name: "directory", kind: .directory),
        DirectoryEntry(name: "link", kind: .other), DirectoryEntry(name: "fifo", kind: .other),
        DirectoryEntry(name: "x\u{fffd}", kind: .other),
      ])
    unlink(invalid)
    #expect(try system.entries(of: place.handle).count == 4, "listed from the start again")
  }

  @Test func `removing and renaming tell files from directories`() throws {
    place.makeFile("file")
    try system.makeDirectory("directory", in: place.handle)
    #expect(
      reason { () throws(FileSystemError) in try system.unlink("directory", in: place.handle) }
        == .notARegularFile)
    #expect(
      reason { () throws(FileSystemError) in try system.removeDirectory("file", in: place.handle) }
        == .notADirectory)
    try system.rename("file", in: place.handle, to: "renamed", in: place.handle)
    try system.unlink("renamed", in: place.handle)
    try system.removeDirectory("directory", in: place.handle)
    #expect(try system.entries(of: place.handle).isEmpty)
  }

  @Test func `a directory and its entry can be made durable`() {
    #expect(throws: Never.self) { try system.synchronize(place.handle) }
    for path in [place.path, place.path + "/", "."] {
      #expect(throws: Never.self) { try system.synchronizeParent(ofDirectoryAt: path) }
    }
  }

  @Test func `space and identity of a directory are known`() throws {
    let space = try system.space(of: place.handle)
    #expect(space.byteCount > 0)
    #expect(space.availableByteCount <= space.byteCount)
    #expect(!space.isReadOnly)
    let again = try system.openDirectory(path: place.path)
    defer { system.close(again) }
    #expect(try system.identity(of: again) == system.identity(of: place.handle))
  }

  // MARK: Descriptors and modes

  @Test func `descriptors are above 2 and closed on exec`() async {
    await #expect(processExitsWith: .success) {
      let place = try TemporaryDirectory()
      // The listing opens a descriptor of its own too; the handle was opened before.
      for descriptor: Int32 in 0...2 { Glibc.close(descriptor) }
      let file = try place.system.open("file", in: place.handle, .create)
      let directory = try place.system.openDirectory(path: place.path)
      for descriptor in [file.rawValue, directory.rawValue] {
        guard descriptor > 2, fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0 else { exit(2) }
      }
      // The numbers used on the way are free again; a thread of the runtime may take one for a moment.
      let isFree = (0..<1_000).contains { _ in
        let descriptor = Glibc.open("/dev/null", O_RDONLY)
        if descriptor != 0 { Glibc.close(descriptor) }
        sched_yield()
        return descriptor == 0
      }
      guard isFree else { exit(3) }
    }
  }

  @Test func `modes are 0600 and 0700 under the umask 000`() async {
    await #expect(processExitsWith: .success) { try checkModes(underUmask: 0) }
  }

  @Test func `modes are 0600 and 0700 under the umask 777`() async {
    await #expect(processExitsWith: .success) { try checkModes(underUmask: 0o777) }
  }

  @Test func `a set-group-ID parent adds no bit to the mode of a directory`() throws {
    chmod(place.path, 0o2700)
    try system.makeDirectory("inner", in: place.handle)
    #expect(place.mode("inner") == 0o700)
  }

  @Test(.enabled(if: geteuid() == 0, "becoming another user needs root"))
  func `a file of another user is a matter of permission`() async {
    await #expect(processExitsWith: .success) {
      let place = try TemporaryDirectory()
      place.makeFile("file")
      chmod(place.path, 0o755)
      seteuid(65534)
      let opened = reason { () throws(FileSystemError) in
        place.system.close(try place.system.open("file", in: place.handle, .readOnly))
      }
      let made = reason { () throws(FileSystemError) in
        try place.system.makeDirectory("inner", in: place.handle)
      }
      seteuid(0)
      guard opened == .permissionDenied, made == .permissionDenied else { exit(2) }
    }
  }
}

private func checkModes(underUmask mask: mode_t) throws {
  let place = try TemporaryDirectory()
  let directory = try place.open()
  umask(mask)
  _ = try File(opening: "file", in: directory, .create)
  try directory.makeDirectory("inner")
  try place.system.makeDirectory(path: place.path("outer"))
  guard place.mode("file") == 0o600, place.mode("inner") == 0o700, place.mode("outer") == 0o700
  else { exit(2) }
}

import Glibc
import PlatformIO
import Testing

@Suite struct DurableReplaceTests {
  let place: TemporaryDirectory

  init() throws { place = try TemporaryDirectory() }

  @Test func `a file is created and replaced as a whole`() throws {
    let directory = try place.open()
    for bytes in [[UInt8](repeating: 1, count: 5000), [2, 3], []] {
      try directory.replace("file", bytes: bytes)
      let file = try File(opening: "file", in: directory, .readOnly)
      #expect(try file.status().byteCount == UInt64(bytes.count))
      #expect(try file.copyBytes(bytes.count, at: 0) == bytes)
    }
    #expect(try directory.entries() == [DirectoryEntry(name: "file", kind: .regular)])
    #expect(place.mode("file") == 0o600)
  }

  @Test func `what a crash has left aside is removed`() throws {
    place.makeFile(".file.new", [9, 9, 9])
    place.makeFile("file.new", [8])
    let directory = try place.open()
    try directory.replace("file", bytes: [1])
    let file = try File(opening: "file", in: directory, .readOnly)
    #expect(try file.copyBytes(1, at: 0) == [1])
    // Somebody else's.
    #expect(try directory.entries().map(\.name).sorted() == ["file", "file.new"])
  }

  @Test func `a failure leaves the old file and nothing aside`() throws {
    let directory = try place.open()
    // A directory cannot be replaced by a file.
    try directory.makeDirectory("file")
    var isCalled = false
    #expect(throws: FileSystemError(.rename, place.path(".file.new"), .notARegularFile)) {
      try directory.replace("file", bytes: [1]) { isCalled = true }
    }
    #expect(isCalled)
    #expect(try directory.entries() == [DirectoryEntry(name: "file", kind: .directory)])
  }
}

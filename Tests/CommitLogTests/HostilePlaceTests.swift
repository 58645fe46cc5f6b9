import CPlatformTestSupport
import CommitLog
import Foundation
import Glibc
import LogFormat
import PlatformIO
import Quantities
import Testing

/// Things on a real disk that stand where a store expects its own.
@Suite struct HostilePlaceTests {
  /// A closed store with one record in stream `s`, in a folder of its own; with its segment's path.
  private func withStore(_ body: (_ store: String, _ segment: String) throws -> Void) throws {
    try withFolder { folder in
      let path = folder + "/store"
      try Store.create(at: path)
      let store = try Store.open(at: path)
      let log = try store.createStream(StreamName("s"))
      try log.append([1])
      try log.flush()
      store.close()
      let directory = path + "/s/0000000000000001/"
      let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
      try body(path, directory + (try #require(names.first)))
    }
  }

  /// Whether reading and appending end with errors that name a file of the store.
  private func isRefused(_ path: String) -> Bool {
    var isNamed = [false, false]
    do {
      let reader = try StoreReader.open(at: path)
      var log = try reader.makeReader(of: StreamName("s"))
      _ = try log.read { _ in }
    } catch {
      isNamed[0] = "\(error)".contains(path + "/")
    }
    do {
      let store = try Store.open(at: path)
      defer { store.close() }
      try store.stream(StreamName("s")).append([2])
    } catch {
      isNamed[1] = "\(error)".contains(path + "/")
    }
    return isNamed == [true, true]
  }

  /// Processor time of this thread, in seconds: what others do at the same time does not count.
  private static func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  @Test(arguments: [0, 1, 4_096, 16_383, 1 << 42])
  func `a segment of a size no segment has is refused without looking through it`(_ byteCount: Int)
    throws
  {
    try withStore { path, segment in
      #expect(truncate(segment, byteCount) == 0)
      let began = Self.processorSeconds()
      #expect(isRefused(path))
      // To look through the largest would take many minutes.
      #expect(Self.processorSeconds() - began < 5)
    }
  }

  @Test(arguments: ["/dev/zero", "/dev/full", "/proc/self/mem", "nowhere", "loop"])
  func `a link in place of a segment is refused, wherever it leads`(_ target: String) throws {
    try withStore { path, segment in
      unlink(segment)
      #expect(symlink(target == "loop" ? segment : target, segment) == 0)
      #expect(isRefused(path))
    }
  }

  @Test func `a FIFO or a directory in place of a segment is refused at once`() throws {
    try withStore { path, segment in
      unlink(segment)
      #expect(mkfifo(segment, 0o600) == 0)
      #expect(isRefused(path))
      unlink(segment)
      #expect(mkdir(segment, 0o700) == 0)
      #expect(isRefused(path))
    }
  }

  @Test(arguments: ["SUPER", "LOCK"])
  func `a link in place of the root is not followed`(_ name: String) throws {
    try withStore { path, _ in
      #expect(rename("\(path)/\(name)", "\(path)/elsewhere") == 0)
      #expect(symlink("elsewhere", "\(path)/\(name)") == 0)
      let before = FileManager.default.contents(atPath: "\(path)/elsewhere")
      #expect(throws: OpenError.self) { try Store.open(at: path) }
      #expect(FileManager.default.contents(atPath: "\(path)/elsewhere") == before)
    }
  }

  @Test func `a store may be reached through a link, and has one writer by any path`() throws {
    try withStore { path, _ in
      let link = path + "-link"
      #expect(symlink(path, link) == 0)
      let store = try Store.open(at: link)
      #expect(throws: OpenError.self) { try Store.open(at: path) }
      try store.stream(StreamName("s")).append([2])
      store.close()
      let again = try Store.open(at: path)
      #expect(try again.stream(StreamName("s")).logEndOffset.rawValue == 2)
      again.close()
    }
  }

  @Test func `a store whose directory is moved while it is open goes on in its own files`() throws {
    try withStore { path, _ in
      let store = try Store.open(at: path)
      #expect(rename(path, path + "-moved") == 0)
      try Store.create(at: path)
      let log = try store.stream(StreamName("s"))
      try log.append([2])
      try log.flush()
      try store.createStream(StreamName("new")).append([3])
      store.close()
      let other = try Store.open(at: path)
      #expect(other.streamNames.isEmpty)
      other.close()
      let moved = try StoreReader.open(at: path + "-moved")
      #expect(moved.streamNames == ["new", "piperoll.evidence", "s"])
      var reader = try moved.makeReader(of: StreamName("s"))
      #expect(try reader.records(max: 10).map(\.value) == [[1], [2]])
    }
  }

  @Test func `foreign files, also of names that are no text, are left alone`() throws {
    try withStore { path, segment in
      var foreign: [String] = []
      let names = [
        "99999999999999999999.seg", "0000000000000001.tmp", "ffffffffffffffff.mir", "-rf",
        "0000000000000001.seg~", "\u{202e}gpj.seg",
      ]
      for place in ["", "/s", "/s/0000000000000001", "/meta", "/spare", "/q"] {
        for name in names {
          let file = "\(path)\(place)/\(name)"
          // Of manifest files, those that could be older ones are set aside.
          if place == "/meta", name.hasSuffix(".mir") { continue }
          #expect(FileManager.default.createFile(atPath: file, contents: Data([1, 2, 3])))
          foreign.append(file)
        }
        let raw = ("\(path)\(place)/".utf8 + [0xff, 0xfe, 0x80, 0]).map(CChar.init(bitPattern:))
        let handle = open(raw, O_CREAT | O_WRONLY, 0o600)
        #expect(handle > 2)
        close(handle)
      }
      for _ in 0..<2 {
        let store = try Store.open(at: path)
        try store.stream(StreamName("s")).append([2])
        store.close()
      }
      for file in foreign {
        #expect(FileManager.default.contents(atPath: file) == Data([1, 2, 3]), "\(file)")
      }
    }
  }

  /// Whether this user, on this file system, can make files that nobody may change.
  private static let canMakeImmutable: Bool = {
    let done = try? withFolder { folder in
      FileManager.default.createFile(atPath: folder + "/file", contents: nil)
        && setImmutable(true, folder + "/file") && setImmutable(false, folder + "/file")
    }
    return done ?? false
  }()

  private static func setImmutable(_ isImmutable: Bool, _ path: String) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/chattr")
    process.arguments = [isImmutable ? "+i" : "-i", path]
    process.standardError = nil
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  @Test(
    .enabled(
      if: canMakeImmutable, "needs a file system with the immutable flag and the right to it"),
    arguments: ["segment", "SUPER", "LOCK", "meta/0000000000000001.seg"])
  func `a file that may not be changed is an error for writers, and readers go on`(_ name: String)
    throws
  {
    try withStore { path, segment in
      let victim = name == "segment" ? segment : "\(path)/\(name)"
      try #require(FileManager.default.fileExists(atPath: victim), "\(victim)")
      #expect(Self.setImmutable(true, victim))
      defer { _ = Self.setImmutable(false, victim) }
      do {
        let store = try Store.open(at: path)
        defer { store.close() }
        try store.stream(StreamName("s")).append([2])
        Issue.record("a store whose \(name) may not be changed took a record")
      } catch {
        #expect("\(error)".contains(victim), "\(error)")
      }
      var log = try StoreReader.open(at: path).makeReader(of: StreamName("s"))
      var values: [[UInt8]] = []
      while try log.read({ values.append(Record(copying: $0).value) }) > 0 {}
      #expect(values == [[1]])
      #expect(Self.setImmutable(false, victim))
      let store = try Store.open(at: path)
      #expect(try store.stream(StreamName("s")).append([2]).rawValue == 1)
      store.close()
    }
  }

  /// A default access control list that gives everything to everybody, in the form of
  /// `system.posix_acl_default` (acl(5), linux/posix_acl_xattr.h): version 2, then tag, rights, id.
  private static let openToAll: [UInt8] = {
    var bytes: [UInt8] = [2, 0, 0, 0]
    for tag: UInt8 in [0x01, 0x02, 0x04, 0x10, 0x20] {
      let id: [UInt8] = tag == 0x02 ? [0xe8, 3, 0, 0] : [0xff, 0xff, 0xff, 0xff]
      bytes += [tag, 0, 7, 0] + id
    }
    return bytes
  }()

  @Test func `files stay private in a folder whose access control list gives all to everybody`()
    throws
  {
    try withFolder { folder in
      // Safety: the call reads the given count of bytes and keeps nothing.
      let isSet = unsafe piperoll_test_set_default_acl(
        folder, Self.openToAll, Int64(Self.openToAll.count))
      guard isSet == 0 else { return print("skipped: no access control lists here") }
      let path = folder + "/store"
      try Store.create(at: path)
      let store = try Store.open(at: path)
      try store.createStream(StreamName("s")).append([1])
      store.close()
      let names = try FileManager.default.subpathsOfDirectory(atPath: path)
      #expect(names.count > 8)
      for name in names {
        var status = stat()
        #expect(lstat("\(path)/\(name)", &status) == 0)
        // The group bits are the mask: with none of them no entry of the list gives anything.
        #expect(status.st_mode & 0o077 == 0, "\(name)")
      }
    }
  }

  @Test func `a forked child cannot append, and the parent goes on`() throws {
    try withStore { path, _ in
      let store = try Store.open(at: path)
      defer { store.close() }
      var log = try store.stream(StreamName("s"))
      let answer = withUnsafeMutablePointer(to: &log) { pointer in
        piperoll_test_in_child(
          { context in
            let log = context.load(as: StreamLog.self)
            do throws(AppendError) {
              _ = try log.append([9])
              return 2
            } catch {
              if case .forked = error { return 0 }
              return 3
            }
          }, pointer)
      }
      #expect(answer == 0)
      #expect(try log.append([2]).rawValue == 1)
    }
  }
}

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

  @Test(arguments: [0, 1, 4_096, 16_383, 1 << 42])
  func `a segment of a size no segment has is refused at once`(_ byteCount: Int) throws {
    try withStore { path, segment in
      #expect(truncate(segment, byteCount) == 0)
      let began = ContinuousClock.now
      #expect(isRefused(path))
      #expect(ContinuousClock.now - began < .seconds(1))
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
      #expect(moved.streamNames == ["new", "s"])
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

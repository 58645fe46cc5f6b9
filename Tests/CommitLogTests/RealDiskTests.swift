import CommitLog
import Foundation
import Glibc
import LogFormat
import PlatformIO
import Quantities
import Synchronization
import Testing

/// A folder of its own on a real file system, removed afterwards.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = NSTemporaryDirectory() + "piperoll-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// A small file system of its own, so that it can be filled; needs the rights to mount.
func withSmallFileSystem(megabytes: Int, _ body: (String) throws -> Void) throws {
  try withFolder { folder in
    guard mount("none", folder, "tmpfs", 0, "size=\(megabytes)m") == 0 else {
      print("skipped: no right to mount a tmpfs")
      return
    }
    defer { umount(folder) }
    try body(folder)
  }
}

@Suite struct RealDiskTests {
  @Test(arguments: everyClass)
  func `many threads append to one stream and every record is there once`(
    _ durability: Durability
  ) throws {
    try withFolder { folder in
      let path = folder + "/store"
      try Store.create(at: path)
      let store = try Store.open(at: path)
      var options = StreamOptions()
      options.durability = durability
      let log = try store.createStream(StreamName("s"), options: options)
      let threads = 8
      let each = 20_000
      let failures = Atomic<Int>(0)
      var running: [DedicatedThread] = []
      for thread in 0..<threads {
        running.append(
          try DedicatedThread.start(name: "append") {
            for index in 0..<each {
              do {
                if index % 100 == 7 {
                  _ = try log.appendReserving(byteCount: 16) { buffer in
                    buffer.storeBytes(of: UInt64(thread), as: UInt64.self)
                    buffer.storeBytes(of: UInt64(index), toByteOffset: 8, as: UInt64.self)
                  }
                } else {
                  var value: [UInt8] = []
                  withUnsafeBytes(of: UInt64(thread)) { value += $0 }
                  withUnsafeBytes(of: UInt64(index)) { value += $0 }
                  let offset = try log.append(value)
                  if index % 500 == 0 { try log.waitUntilAcknowledged(offset) }
                }
              } catch {
                failures.wrappingAdd(1, ordering: .relaxed)
              }
            }
          })
      }
      for thread in running { thread.join() }
      #expect(failures.load(ordering: .relaxed) == 0)
      try log.flush()
      var next = [UInt64](repeating: 0, count: threads)
      var total = 0
      var isOrdered = true
      var reader = try log.makeReader()
      _ = try reader.read { record in
        let bytes = record.copyValue()
        let thread = bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        let index = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self) }
        if thread < UInt64(threads), next[Int(thread)] == index {
          next[Int(thread)] += 1
        } else {
          isOrdered = false
        }
        total += 1
      }
      #expect(isOrdered)
      #expect(total == threads * each)
      store.close()
    }
  }

  @Test func `a full disk is a typed error, reads go on, and removal makes room`() throws {
    try withSmallFileSystem(megabytes: 24) { folder in
      let path = folder + "/store"
      var storeOptions = StoreOptions()
      storeOptions.minimumFreePercent = 0
      try Store.create(at: path, options: storeOptions)
      let store = try Store.open(at: path, options: storeOptions)
      var options = StreamOptions()
      options.firstSegmentByteCount = 1 << 20
      options.segmentByteCount = 2 << 20
      let log = try store.createStream(StreamName("s"), options: options)
      let value = [UInt8](repeating: 7, count: 10_000)
      var appended = 0
      var failure: AppendError?
      while failure == nil, appended < 10_000 {
        do throws(AppendError) {
          try log.append(value)
          appended += 1
        } catch {
          failure = error
        }
      }
      guard case .full(_, let cause)? = failure else {
        Issue.record("wrong error: \(String(describing: failure))")
        return
      }
      #expect(cause.reason == .noSpace)
      try log.flush()
      var reader = try log.makeReader()
      #expect(try reader.read { _ in } == appended)
      let removed = try log.removeSegments(before: Offset(rawValue: UInt64(appended / 2)))
      #expect(removed.removed > 0)
      try log.append(value)
      try log.flush()
      #expect(log.durableOffset.rawValue == UInt64(appended + 1))
      store.close()
      let again = try Store.open(at: path, options: storeOptions)
      #expect(
        try again.stream(StreamName("s")).logEndOffset.rawValue == UInt64(appended + 1))
      again.close()
    }
  }

  @Test(arguments: [Durability.disk, .memory])
  func `a file truncated from outside is an error, not a crash`(_ durability: Durability) throws {
    try withFolder { folder in
      let path = folder + "/store"
      try Store.create(at: path)
      let store = try Store.open(at: path)
      var options = StreamOptions()
      options.durability = durability
      let log = try store.createStream(StreamName("s"), options: options)
      for _ in 0..<2_000 { try log.append([UInt8](repeating: 1, count: 200)) }
      try log.flush()
      let directory = path + "/s/0000000000000001"
      for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
        truncate(directory + "/" + name, 20_000)
      }
      var reader = try log.makeReader(
        options: {
          var options = ReaderOptions()
          options.verification = .always
          return options
        }())
      var isTold = false
      for _ in 0..<5 {
        do {
          if try reader.read(max: 10_000, { _ in }) == 0 { break }
        } catch {
          isTold = true
        }
      }
      #expect(isTold)
      // The writer survives it as well, with an error or by writing on.
      for _ in 0..<2_000 { _ = try? log.append([UInt8](repeating: 1, count: 200)) }
      store.close()
    }
  }

  @Test func `a memory stream that left segments behind can still be flushed`() throws {
    try withFolder { folder in
      let path = folder + "/store"
      try Store.create(at: path)
      let store = try Store.open(at: path)
      var options = StreamOptions()
      options.durability = .memory
      options.firstSegmentByteCount = 64 << 10
      options.segmentByteCount = 64 << 10
      let log = try store.createStream(StreamName("s"), options: options)
      for _ in 0..<10 {
        // Enough for several segments, the last of them nearly empty.
        for _ in 0..<1_000 { try log.append([UInt8](repeating: 1, count: 200)) }
        try log.waitUntilAcknowledged(Offset(rawValue: log.logEndOffset.rawValue - 1))
        try log.flush()
        #expect(log.durableOffset == log.logEndOffset)
      }
      store.close()
      let again = try Store.open(at: path)
      let reopened = try again.stream(StreamName("s"))
      #expect(reopened.recovery.wasClean)
      #expect(reopened.logEndOffset.rawValue == 10_000)
      again.close()
    }
  }

  @Test func `files of a store are private whatever the umask says`() throws {
    try withFolder { folder in
      let before = umask(0)
      defer { umask(before) }
      let path = folder + "/store"
      try Store.create(at: path)
      let store = try Store.open(at: path)
      _ = try store.createStream(StreamName("s")).append([1])
      store.close()
      let files = FileManager.default.enumerator(atPath: path)
      while let name = files?.nextObject() as? String {
        let mode = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
        let bits = (mode[.posixPermissions] as? NSNumber)?.intValue ?? 0
        #expect(bits & 0o077 == 0, "\(name) has mode \(String(bits, radix: 8))")
      }
    }
  }

  @Test func `a copied store opens for writing only when it is adopted`() throws {
    try withFolder { folder in
      try Store.create(at: folder + "/a")
      let store = try Store.open(at: folder + "/a")
      try store.createStream(StreamName("s")).append([1])
      let original = store.id
      store.close()
      try FileManager.default.copyItem(atPath: folder + "/a", toPath: folder + "/b")
      let error = #expect(throws: OpenError.self) { try Store.open(at: folder + "/b") }
      guard case .copied? = error else {
        Issue.record("wrong error: \(String(describing: error))")
        return
      }
      var options = StoreOptions()
      options.adoptsCopy = true
      let copy = try Store.open(at: folder + "/b", options: options)
      #expect(copy.id != original)
      #expect(try copy.stream(StreamName("s")).logEndOffset.rawValue == 1)
      copy.close()
      try Store.open(at: folder + "/b").close()
    }
  }

  @Test func `readers leave no shared memory behind and take none from a writer`() throws {
    try withFolder { folder in
      let path = folder + "/store"
      try Store.create(at: path)
      let store = try Store.open(at: path)
      let log = try store.createStream(StreamName("s"))
      let memory = "/dev/shm/piperoll-\(store.id)"
      try log.append([1])
      try log.flush()
      func read() throws -> Int {
        var reader = try StoreReader.open(at: path).makeReader(of: StreamName("s"))
        return try reader.read { _ in }
      }
      #expect(try read() == 1)
      #expect(FileManager.default.fileExists(atPath: memory))
      store.close()
      #expect(!FileManager.default.fileExists(atPath: memory))
      #expect(try read() == 1)
      #expect(!FileManager.default.fileExists(atPath: memory))
    }
  }

  @Test(.timeLimit(.minutes(15)))
  func `a store can be closed at any moment after it was opened`() throws {
    try withFolder { folder in
      let path = folder + "/store"
      try Store.create(at: path)
      for round in 0..<300 {
        let store = try Store.open(at: path)
        if round % 3 == 0 { try store.streamCreatingIfNeeded(StreamName("s")).append([1]) }
        for _ in 0..<(round * 7 % 50) { _ = store.streamNames }
        store.close()
      }
      let store = try Store.open(at: path)
      #expect(try store.stream(StreamName("s")).logEndOffset.rawValue == 100)
      store.close()
    }
  }
}

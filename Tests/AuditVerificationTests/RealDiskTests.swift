import CommitLog
import Cryptography
import Glibc
import Integrity
import LogFormat
import PlatformIO
import Quantities
import Testing

@testable import AuditVerification

/// Audits on the machine's own files.
@Suite struct AuditRealDiskTests {
  /// A folder that is removed when the last who holds it lets go.
  final class Folder {
    let path: String

    init() throws {
      var template = Array("/tmp/piperoll-audit-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else {
        throw FileSystemError(.makeDirectory, "/tmp", .system(errorNumber: errno))
      }
      path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
      if let folder = opendir(path) {
        while let entry = readdir(folder) {
          let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
          }
          if name != ".", name != ".." { remove(path + "/" + name) }
        }
        closedir(folder)
      }
      Glibc.remove(path)
    }
  }

  static func options(_ durability: Durability, _ evidence: EvidenceClass = .tree) -> StreamOptions
  {
    var options = StreamOptions()
    options.durability = durability
    options.firstSegmentByteCount = 64 << 10
    options.segmentByteCount = 128 << 10
    options.evidence = evidence
    return options
  }

  static func report(_ path: String, _ workers: Int = 2) throws -> AuditReport {
    var options = AuditOptions(path: path)
    options.workerCount = workers
    options.chunkByteCount = 64 << 10
    return try Audit(options, fileSystem: PosixFileSystem()).run().report
  }

  @Test(arguments: everyClass)
  func `a store that is written at full speed is audited without a finding`(
    _ durability: Durability
  ) throws {
    let folder = try Folder()
    let path = folder.path + "/s"
    try Store.create(at: path)
    var options = StoreOptions()
    options.evidenceNanoseconds = 1_000_000
    let store = try Store.open(at: path, options: options)
    let log = try store.createStream(StreamName("s"), options: Self.options(durability))
    let isDone = Guarded(false)
    let writer = try DedicatedThread.start(name: "writer") {
      var index = 0
      while !isDone.withLock({ $0 }) {
        index += 1
        do {
          try log.append([UInt8](repeating: UInt8(index % 250), count: 20 + index % 300))
          // Segments go while they are read.
          if index % 8_000 == 0 {
            try log.flush()
            _ = try log.removeSegments(
              before: Offset(rawValue: log.evidencedOffset.rawValue / 2))
          }
        } catch {
          return
        }
      }
    }
    defer {
      isDone.withLock { $0 = true }
      writer.join()
      store.close()
    }
    var covered: UInt64 = 0
    var round = 0
    while round < 6 || covered == 0 && round < 500 {
      round += 1
      let report = try Self.report(path, 1 + round % 3)
      #expect(report.findings.isEmpty, "round \(round)\n\(described(report))")
      covered = max(covered, report.streams.first?.evidencedOffset ?? 0)
    }
    #expect(covered > 0)
  }

  @Test func `a copy that may not be written is audited as it lies`() throws {
    let folder = try Folder()
    let path = folder.path + "/s"
    try Store.create(at: path)
    let store = try Store.open(at: path)
    let log = try store.createStream(StreamName("s"), options: Self.options(.disk))
    for index in 0..<3_000 { try log.append([UInt8](repeating: UInt8(index % 250), count: 90)) }
    try log.flush()
    store.close()
    let before = try Self.report(path)
    #expect(before.verdict == .proven, "\(described(before))")
    #expect(chmod(path + "/SUPER", 0o400) == 0 && chmod(path, 0o500) == 0)
    defer { chmod(path, 0o700) }
    #expect(try Self.report(path) == before)
    // Nothing was touched: not even the lock file is opened for writing.
    #expect(before.streams.first?.groupCount ?? 0 > 0)
  }

  @Test func `links and files of any size in the place of a segment are findings`() throws {
    let folder = try Folder()
    let path = folder.path + "/s"
    try Store.create(at: path)
    let store = try Store.open(at: path)
    let log = try store.createStream(StreamName("s"), options: Self.options(.disk))
    for index in 0..<3_000 { try log.append([UInt8](repeating: UInt8(index % 250), count: 90)) }
    try log.flush()
    store.close()
    let name = try #require(
      try Self.report(path).streams.first.map { _ in
        path + "/s/0000000000000001/0000000000000002.seg"
      })
    #expect(rename(name, name + ".aside") == 0)
    #expect(symlink(name + ".aside", name) == 0)
    let linked = try Self.report(path)
    #expect(linked.findings.map(\.rule) == [.foreignFile], "\(described(linked))")
    #expect(unlink(name) == 0)
    let file = open(name, O_CREAT | O_RDWR, 0o600)
    #expect(file >= 0 && ftruncate(file, 2 << 30) == 0)
    close(file)
    let sparse = try Self.report(path)
    #expect(sparse.findings.map(\.rule) == [.foreignFile], "\(described(sparse))")
    #expect(unlink(name) == 0 && rename(name + ".aside", name) == 0)
    // The file goes on with two GiB of zeros that mean nothing.
    #expect(truncate(name, 2 << 30) == 0)
    #expect(try Self.report(path).verdict == .proven)
  }
}

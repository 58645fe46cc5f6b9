import CommitLog
import Cryptography
import Integrity
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import AuditVerification

@Suite struct StoreDifferenceTests {
  static func difference(_ rig: AuditRig, _ change: (Store) throws -> Void) throws
    -> StoreDifference
  {
    // The copy is one that was adopted, so that it can be written.
    for path in rig.disk.paths where path.hasPrefix(AuditRig.path + "/") {
      let bytes = try rig.disk.readFile(path)
      try rig.disk.replaceFile("/data/b" + path.dropFirst(AuditRig.path.count), with: bytes)
    }
    for folder in ["spare", "q"] where !rig.disk.exists("/data/b/" + folder) {
      try rig.disk.placeDirectory(at: "/data/b/" + folder)
    }
    var options = rig.options
    options.adoptsCopy = true
    let store = try Store.open(at: "/data/b", options: options, environment: rig.environment)
    try change(store)
    store.close()
    return try StoreDifference(AuditRig.path, "/data/b", fileSystem: rig.disk)
  }

  @Test func `copies of a store are the same until one of them is written`() throws {
    let rig = try AuditRig.store(streams: [("s", .tree), ("n", .none)], count: 500)
    let same = try Self.difference(rig) { _ in }
    #expect(same.isEmpty && same.streams.map(\.name) == ["n", "s"], "\(same)")
    var end: UInt64 = 0
    let longer = try Self.difference(rig) { store in
      let log = try store.stream(StreamName("s"))
      end = log.logEndOffset.rawValue
      try log.append([1])
      _ = try store.createStream(StreamName("new"), options: AuditRig.streamOptions(.none))
    }
    #expect(!longer.isEmpty && longer.onlyInSecond == ["new"] && longer.onlyInFirst.isEmpty)
    let stream = try #require(longer.streams.last)
    #expect(stream.partingOffset == end && !stream.isConflicting && stream.longer == .second)
    #expect(stream.nextOffsets == [end, end + 1] && stream.commonGroupedOffset == end)
    #expect(longer.streams.first?.partingOffset == nil)
  }

  @Test func `copies that went on by themselves part at the first record that differs`() throws {
    let rig = try AuditRig.store(streams: [("s", .tree), ("n", .none)], count: 500)
    var ends: [String: UInt64] = [:]
    let difference = try Self.difference(rig) { store in
      for name in ["s", "n"] {
        let log = try store.stream(StreamName(name))
        ends[name] = log.logEndOffset.rawValue
        try AuditRig.append(50, to: log, seed: 4)
      }
    }
    #expect(difference.streams.allSatisfy { $0.longer == .second })
    try rig.writing { store in
      for name in ["s", "n"] {
        try AuditRig.append(90, to: try store.stream(StreamName(name)), seed: 5)
      }
    }
    let both = try StoreDifference(AuditRig.path, "/data/b", fileSystem: rig.disk)
    for stream in both.streams {
      #expect(stream.isConflicting && stream.partingOffset == ends[stream.name], "\(stream)")
    }
    #expect(both.streams.last?.commonGroupCount == 2)
  }

  @Test func `what is no store has no difference`() throws {
    let rig = try AuditRig.store(count: 10)
    #expect(throws: AuditError.self) {
      try StoreDifference(AuditRig.path, "/data/none", fileSystem: rig.disk)
    }
  }
}

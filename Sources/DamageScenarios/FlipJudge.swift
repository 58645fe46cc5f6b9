internal import CommitLog
internal import LogFormat
internal import Quantities
internal import SimulatedIO

/// Judges one flipped bit after the other by the engine's own readers and recovery. Belongs to one
/// thread.
final class FlipJudge {
  let map: StoreMap
  /// A store that is open, for its readers.
  private let store: Store
  private var logs: [String: StreamLog] = [:]
  private var open: [SegmentProbe] = []
  /// The store as it was closed, for recovery.
  private var closed: [SegmentProbe] = []
  private var findings: [SegmentProbe.Finding] = []
  /// Frames that recovery reads; of the others it is asked for one bit in sixteen.
  private var isLookedAt: [Set<Int>] = []
  /// The store as it was closed, for its root.
  let rootMachine: Machine
  let machine: Machine

  init(_ machine: Machine, _ map: StoreMap) throws(ScenarioError) {
    self.map = map
    self.machine = machine
    let copy = machine.copy()
    copy.time.setAdvancePerReading(nanoseconds: 0)
    rootMachine = machine.copy()
    rootMachine.time.setAdvancePerReading(nanoseconds: 0)
    let still = machine.copy()
    store = try step("opening for writing") { try copy.open() }
    let (openReader, closedReader) = try step("opening for reading") {
      (try copy.openReader(), try still.openReader())
    }
    for segment in map.segments {
      if logs[segment.stream] == nil {
        logs[segment.stream] = try step("opening a stream") {
          try store.anyStream(StreamName(segment.stream))
        }
      }
      try step("opening a segment") {
        open.append(
          try SegmentProbe(
            openReader, streamID: segment.streamID, segmentID: segment.segmentID))
        closed.append(
          try SegmentProbe(
            closedReader, streamID: segment.streamID, segmentID: segment.segmentID))
      }
    }
    findings = closed.map { $0.recover() }
    isLookedAt = Array(repeating: [], count: closed.count)
    for (index, segment) in map.segments.enumerated() where segment.isActive {
      for (number, frame) in segment.frames.enumerated() {
        closed[index].flip(byte: frame.position + 9, bit: 3)
        let isSeen = closed[index].recover() != findings[index]
        closed[index].flip(byte: frame.position + 9, bit: 3)
        if isSeen || frame.kind == .indexRows || frame.kind == .state {
          isLookedAt[index].insert(number)
        }
      }
    }
  }

  func end() { store.close() }

  /// What is wrong with the engine's answer to a flipped bit; `nil` when nothing is.
  func judge(_ region: FlipRegion, byte: Int, bit: Int) -> String? {
    switch region.place {
    case .frame(let segment, let frame):
      judgeFrame(region, segment, frame, byte: byte, bit: bit)
    case .preamble(let segment), .behindEnd(let segment):
      judgePreamble(segment, byte: byte, bit: bit)
    case .root(let path): judgeRoot(region, path, byte: byte, bit: bit)
    }
  }

  // MARK: Frames

  private func judgeFrame(
    _ region: FlipRegion, _ segment: Int, _ frame: Int, byte: Int, bit: Int
  ) -> String? {
    let place = map.segments[segment]
    open[segment].flip(byte: byte, bit: bit)
    let problem = read(place, place.frames[frame], isCovered: region.isCovered)
    open[segment].flip(byte: byte, bit: bit)
    if let problem { return describe(place, byte, bit, problem) }
    guard place.isActive, isLookedAt[segment].contains(frame) || byte % 16 == bit else {
      return nil
    }
    closed[segment].flip(byte: byte, bit: bit)
    let found = recover(segment, place.frames[frame], isCovered: region.isCovered)
    closed[segment].flip(byte: byte, bit: bit)
    return found.map { describe(place, byte, bit, $0) }
  }

  private func describe(
    _ place: StoreMap.SegmentPlace, _ byte: Int, _ bit: Int, _ problem: String
  ) -> String {
    "\(place.path), byte \(byte), bit \(bit): \(problem)"
  }

  /// Reads from the record before the frame to the one behind it.
  private func read(
    _ place: StoreMap.SegmentPlace, _ frame: StoreMap.FramePlace, isCovered: Bool
  ) -> String? {
    guard let log = logs[place.stream] else { return "no such stream" }
    var options = ReaderOptions()
    options.verification = .always
    options.takesLease = false
    let start = max(place.base, frame.first > 0 ? frame.first - 1 : 0)
    var got: [Record] = []
    var reports: [DamageReport] = []
    do throws(ReadError) {
      var reader = try log.makeReader(from: .offset(Offset(rawValue: start)), options: options)
      for _ in 0..<64 {
        do throws(ReadError) {
          let count = try reader.read(max: 1) { got.append(Record(copying: $0)) }
          if count == 0 { break }
          if let last = got.last, last.offset.rawValue >= frame.next { break }
        } catch {
          guard case .damaged(let report) = error else { throw error }
          reports.append(report)
        }
      }
    } catch {
      return "reading failed: \(error)"
    }
    return compare(place, frame, start, got, reports, isCovered: isCovered)
  }

  private func compare(
    _ place: StoreMap.SegmentPlace, _ frame: StoreMap.FramePlace, _ start: UInt64, _ got: [Record],
    _ reports: [DamageReport], isCovered: Bool
  ) -> String? {
    let streamEnd =
      map.segments.last { $0.streamID == place.streamID }?.frames.last?.next ?? place.base
    var expected = map.records(
      place.stream, from: start, upTo: isCovered ? frame.first : frame.next)[...]
    expected += map.records(place.stream, from: frame.next, upTo: .max).prefix(1)
    if !isCovered, let last = expected.firstIndex(where: { $0.offset.rawValue >= frame.next }) {
      expected = expected[...last]
    }
    guard got.elementsEqual(expected) else {
      return "records \(got.map(\.offset)) instead of \(expected.map(\.offset)), \(reports)"
    }
    // No reader comes to what stands behind the last record; recovery does.
    guard isCovered, frame.first < streamEnd else {
      return reports.isEmpty ? nil : "a report of what is not damaged: \(reports)"
    }
    guard reports.count == 1, let report = reports.first else { return "reports: \(reports)" }
    return check(report, place, frame)
  }

  private func check(
    _ report: DamageReport, _ place: StoreMap.SegmentPlace, _ frame: StoreMap.FramePlace
  ) -> String? {
    let isExact =
      report.from.rawValue == UInt64(frame.position) && report.to.rawValue == UInt64(frame.end)
      && report.firstOffset.rawValue == frame.first && report.nextOffset.rawValue == frame.next
      && report.path == place.path
    return isExact ? nil : "not exact (\(frame)): \(report)"
  }

  /// Lets recovery look at the segment that was closed in order.
  private func recover(_ segment: Int, _ frame: StoreMap.FramePlace, isCovered: Bool) -> String? {
    let expected = findings[segment]
    let found = closed[segment].recover()
    guard found.position == expected.position, found.nextOffset == expected.nextOffset else {
      return "recovery ends at \(found.position), offset \(found.nextOffset): \(found)"
    }
    guard let damage = found.damaged.first else {
      // Recovery begins at the last index row or producer state; readers see what stands before.
      let isTail = frame.first >= expected.nextOffset.rawValue
      return isCovered && isTail ? "recovery does not see it" : nil
    }
    let isExact =
      isCovered && found.damaged.count == 1
      && damage.from.rawValue == UInt64(frame.position) && damage.to.rawValue == UInt64(frame.end)
      && damage.firstOffset.rawValue == frame.first && damage.nextOffset.rawValue == frame.next
    return isExact ? nil : "recovery is not exact: \(found), \(frame)"
  }

  // MARK: Preambles

  private func judgePreamble(_ segment: Int, byte: Int, bit: Int) -> String? {
    let place = map.segments[segment]
    let probe = closed[segment]
    let header = probe.header
    probe.flip(byte: byte, bit: bit)
    defer { probe.flip(byte: byte, bit: bit) }
    guard let header, probe.header == header else {
      return describe(place, byte, bit, "another header counts")
    }
    guard place.isActive, byte >= 4_096, byte < 8_768 || byte >= 16_384 else { return nil }
    let found = probe.recover()
    if found != findings[segment] { return describe(place, byte, bit, "recovery finds \(found)") }
    return nil
  }

  // MARK: Superblock, manifest, lock

  private func judgeRoot(_ region: FlipRegion, _ path: String, byte: Int, bit: Int) -> String? {
    do throws(ScenarioError) {
      try step("flip") { try rootMachine.disk.flipBit(path, byte: byte, bit: bit) }
      let problem = try step("opening \(path) with byte \(byte), bit \(bit) flipped") {
        () -> String? in
        let reader = try rootMachine.openReader()
        if reader.manifestEdits != map.manifest { return "another manifest counts" }
        let block = reader.currentSuperblock
        if block.manifestSegmentID != map.superblock.manifestSegmentID
          || block.epoch != map.superblock.epoch
        {
          return "another superblock counts"
        }
        let isSeen = !reader.repairs.isEmpty
        let mustBeSeen = region.name == "superblock" || region.name == "manifest: frame"
        if mustBeSeen, !isSeen { return "nothing is reported" }
        return !region.isCovered && isSeen ? "reported: \(reader.repairs)" : nil
      }
      try step("flip") { try rootMachine.disk.flipBit(path, byte: byte, bit: bit) }
      return problem.map { "\(path), byte \(byte), bit \(bit): \($0)" }
    } catch {
      _ = try? rootMachine.disk.flipBit(path, byte: byte, bit: bit)
      return error.description
    }
  }
}

internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// The manifest of a store, read from its segment and the mirror of it, frame by frame from whichever holds.
struct ManifestAudit {
  private(set) var map = StoreMap()
  private(set) var findings: [Finding] = []
  private(set) var byteCount: UInt64 = 0
  private var copies: [Copy] = []
  private let salt: UInt64
  /// Everything before it was durable once.
  private var proven = UInt64(SegmentLayout.preambleByteCount)
  private var damage: [(copy: Int, from: UInt64, to: UInt64)] = []

  private struct Copy {
    let name: String
    let file: AuditedFile
    var buffer: [UInt8] = []
    var start: UInt64 = 0
    var count = 0
  }

  /// Bytes that are read at a time.
  private static let windowByteCount = 1 << 20

  init(
    _ folder: AuditedFolder, segmentID: UInt64, salt: UInt64, _ search: inout BitSearch
  ) throws(FileSystemError) {
    self.salt = salt
    for suffix in [".seg", ".mir"] {
      let name = AuditedFolder.segmentName(streamID: 0, segmentID: segmentID, suffix: suffix)
      do throws(FileSystemError) {
        let file = try folder.open(name)
        if try look(at: file, segmentID, &search) {
          copies.append(Copy(name: name, file: file))
        }
      } catch {
        guard error.isAboutTheFile else { throw error }
        findings.append(
          .at(
            Finding.Place(file: name),
            error.reason == .notFound ? .missingFile : .foreignFile,
            "this copy of the manifest cannot be read: \(error.reason.explanation)"))
      }
    }
    guard !copies.isEmpty else { return }
    try walk()
    report(&search)
  }

  /// Looks at the preamble of a copy; false when nothing of it is the manifest's.
  private mutating func look(
    at file: AuditedFile, _ segmentID: UInt64, _ search: inout BitSearch
  ) throws(FileSystemError) -> Bool {
    let preamble = try SegmentPreamble(file, salt: salt, &search)
    proven = max(proven, preamble.newestSlot?.durablePosition.rawValue ?? 0)
    let isOurs = preamble.headers.contains {
      $0.streamID == 0 && $0.segmentID == segmentID && $0.salt == salt
    }
    guard isOurs || !preamble.slots.isEmpty else {
      findings.append(
        .at(
          Finding.Place(file: file.name), .foreignFile,
          "the file is not the manifest that the store's root names"))
      return false
    }
    for (position, header) in preamble.placedHeaders
    where header.streamID != 0 || header.segmentID != segmentID || header.salt != salt {
      findings.append(
        .at(
          Finding.Place(
            file: file.name, position: position, byteCount: UInt64(SegmentHeader.byteCount)),
          .contradiction, "a copy of the header is not of the manifest that the store's root names")
      )
    }
    for damage in preamble.toldDamage {
      let isOnlySlot = !damage.isHeader && damage.flip == nil
      findings.append(
        .at(
          Finding.Place(
            file: file.name, position: damage.position + UInt64(damage.flip?.byte ?? 0),
            byteCount: damage.flip == nil ? UInt64(damage.byteCount) : 1, bit: damage.flip?.bit),
          .damagedBytes, isOnlySlot ? .warning : .broken, damage.flip == nil ? .unknown : .rot,
          isOnlySlot
            ? damage.slotText
            : damage.flip == nil
              ? "\(damage.cause)" : "the bit was flipped since it was written"))
    }
    return true
  }

  // MARK: Frames

  private mutating func walk() throws(FileSystemError) {
    var position = UInt64(SegmentLayout.preambleByteCount)
    while true {
      var next: UInt64?
      var wasTaken = false
      var broken: [Int] = []
      for index in copies.indices {
        guard let head = try frame(index, at: position) else {
          broken.append(index)
          continue
        }
        next = position + UInt64(head.alignedByteCount)
        if !wasTaken { take(head, copies[index], at: position) }
        wasTaken = true
      }
      guard let next else { break }
      for index in broken { damage.append((index, position, next)) }
      position = next
    }
    byteCount = position
    guard position < proven else { return }
    findings.append(
      .at(
        Finding.Place(
          file: copies[0].name, position: position, byteCount: proven - position),
        .damagedBytes,
        "the manifest is damaged in all of its copies; what it said from here on is not known"))
  }

  /// The intact frame at a position of a copy; `nil` where there is none.
  private mutating func frame(_ index: Int, at position: UInt64) throws(FileSystemError)
    -> FrameHead?
  {
    var wanted = Self.windowByteCount
    while true {
      let copy = copies[index]
      let end = copy.start + UInt64(copy.count)
      if position >= copy.start, position + 16 <= end {
        let check = FrameCheck(
          copy.buffer.rawSpan.extracting(0..<copy.count), start: copy.start, salt: salt,
          limit: copy.file.byteCount)
        switch check.frame(at: Int(position - copy.start)) {
        case .intact(let head): return head
        case .damaged: return nil
        case .refused(let error):
          findings.append(
            .at(Finding.Place(file: copy.name, position: position), .newer, "\(error)"))
          return nil
        case .unknown(let needed):
          // The file ends in the middle of it.
          if copy.start == position, copy.count >= wanted { wanted = max(needed, 2 * wanted) }
          if position + UInt64(needed) > copy.file.byteCount || wanted > 160 << 20 { return nil }
          wanted = max(wanted, needed)
        }
      } else if position + 16 > copy.file.byteCount {
        return nil
      }
      let count = try copies[index].file.read(wanted, into: &copies[index].buffer, at: position)
      (copies[index].start, copies[index].count) = (position, count)
      if count < 16 { return nil }
    }
  }

  private mutating func take(_ head: FrameHead, _ copy: Copy, at position: UInt64) {
    let place = Int(position - copy.start)
    guard head.kind != .gap, head.kind != .padding,
      let frame = copy.buffer.rawSpan.bytes(at: place, count: Int(head.length))
    else { return }
    var limits = FormatLimits()
    limits.batchByteCountLimit = 1 << 30
    do throws(FormatError) {
      switch head.kind {
      case .soloRecord: try apply(try SoloRecord.view(frame, head: head).value)
      case .batch:
        let batch = try BatchView(frame, frameHead: head, place: nil, limits: limits)
        for index in 0..<batch.count { try apply(try batch.record(at: index).value) }
      case .commit:
        proven = max(proven, try CommitFrame(frame, at: position).durablePosition.rawValue)
      default: break
      }
    } catch {
      var rule = Finding.Rule.contradiction
      if case .newer = error { rule = .newer }
      findings.append(
        .at(
          Finding.Place(file: copy.name, position: position), rule,
          "the manifest contradicts itself: \(error)"))
    }
  }

  private mutating func apply(_ value: RawSpan) throws(FormatError) {
    guard let edit = try ManifestEdit.decoded(value) else { return }
    do throws(StoreMap.Contradiction) { try map.apply(edit) } catch {
      throw .damaged(.manifestEdit, .identity)
    }
  }

  /// Reports frames that hold in one copy alone; behind what was proven a copy may lag.
  private mutating func report(_ search: inout BitSearch) {
    for entry in damage where entry.from < proven {
      let copy = copies[entry.copy]
      let count = Int(min(entry.to - entry.from, 4 << 20))
      var bytes = (try? copy.file.bytes(count, at: entry.from)) ?? []
      let flip =
        bytes.isEmpty ? nil : search.searchFrame(&bytes, at: entry.from, salt: salt)
      findings.append(
        .at(
          Finding.Place(
            file: copy.name, position: entry.from + UInt64(flip?.byte ?? 0),
            byteCount: flip == nil ? entry.to - entry.from : 1, bit: flip?.bit),
          .damagedBytes, .broken, flip == nil ? .unknown : .rot,
          flip == nil
            ? "this copy of the manifest is damaged here, the other is not"
            : "the bit was flipped since it was written; the other copy of the manifest has it as it was"
        ))
    }
  }
}

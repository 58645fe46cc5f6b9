internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Looks among records that are not those of chain and tree for one that a single flipped bit made another:
/// then it was rot, whatever its checksum says now.
struct SuspectTrial {
  /// A record as it stands in a file.
  private struct Found {
    var offset: UInt64
    var appendTime: Int64
    var isTombstone: Bool
    var parts: LeafHasher.Parts
    var content: [UInt8]
    /// Where the content stands in its file.
    var position: UInt64
    var file: String
  }

  private let segments: [PlannedSegment]
  private let open: (String) throws(FileSystemError) -> AuditedFile
  private let limits: FormatLimits
  /// Bits that may still be tried; each costs a leaf and its path.
  private var allowance = 1_500_000

  init(
    _ segments: [PlannedSegment], _ limits: FormatLimits,
    _ open: @escaping (String) throws(FileSystemError) -> AuditedFile
  ) {
    (self.segments, self.limits, self.open) = (segments, limits, open)
  }

  /// The finding that a suspect becomes.
  mutating func finding(_ suspect: EvidenceSuspect) -> Finding {
    var place = suspect.place
    place.offsets = suspect.suspected
    (place.file, place.position, place.byteCount) = (nil, nil, nil)
    let records = suspect.leaves.isEmpty ? [] : read(suspect.suspected)
    if let (record, byte, bit) = search(suspect, records) {
      place.offsets = record.offset..<(record.offset + 1)
      (place.file, place.position) = (record.file, record.position + UInt64(byte))
      (place.byteCount, place.bit) = (1, bit)
      return .at(
        place, .changedRecords, .broken, .rot,
        "the bit is not what it was; with it changed back the record is the one that group "
          + "\(suspect.sequence) was made from, and its frame's checksum was made after the change")
    }
    let isTried = allowance > 0 && !suspect.leaves.isEmpty
    return .at(
      place, .changedRecords, .broken, isTried ? .edit : .unknown,
      "a record among these is not the one that group \(suspect.sequence) was made from"
        + (isTried
          ? ", and no single bit changed back makes it so: it was edited"
          : "; whether a single bit was flipped could not be tried"))
  }

  private mutating func search(_ suspect: EvidenceSuspect, _ records: [Found])
    -> (record: Found, byte: Int, bit: Int)?
  {
    guard !records.isEmpty else { return nil }
    var tree = StoredTree()
    tree.append(suspect.leaves)
    let size = UInt64(suspect.leaves.count)
    for record in records {
      let index = record.offset - suspect.offsets.lowerBound
      guard index < size else { continue }
      let path = tree.inclusionProof(index: index, size: size)
      var content = record.content
      for byte in content.indices {
        for bit in 0..<8 {
          guard allowance > 0 else { return nil }
          allowance -= 1
          content[byte] ^= 1 << UInt8(bit)
          let leaf = Self.leaf(record, content)
          if (try? path.root(ofLeaf: leaf)) == suspect.root { return (record, byte, bit) }
          content[byte] ^= 1 << UInt8(bit)
        }
      }
    }
    return nil
  }

  private static func leaf(_ record: Found, _ content: [UInt8]) -> Digest {
    let prefix = RecordContent.prefix(
      eventTime: record.parts.eventTime, keyByteCount: record.parts.keyByteCount,
      typeByteCount: record.parts.typeByteCount, headersByteCount: record.parts.headersByteCount)
    let leaf = RecordLeaf(
      kind: .record, flags: record.isTombstone ? .tombstone : [], offset: record.offset,
      appendTime: record.appendTime,
      commitment: SHA256.digest(prefix: prefix, content.rawSpan))
    return MerkleTree.leafHash(leaf.encoded)
  }

  // MARK: Records

  /// Reads records by their offsets.
  private func read(_ offsets: Range<UInt64>) -> [Found] {
    var found: [Found] = []
    for (index, segment) in segments.enumerated() {
      let next = index + 1 < segments.count ? segments[index + 1].baseOffset : .max
      guard segment.baseOffset < offsets.upperBound, next > offsets.lowerBound,
        let file = try? open(segment.fileName)
      else { continue }
      read(offsets, segment, file, &found)
    }
    return found
  }

  private func read(
    _ offsets: Range<UInt64>, _ segment: PlannedSegment, _ file: AuditedFile,
    _ found: inout [Found]
  ) {
    let limit = min(segment.endPosition ?? file.byteCount, file.byteCount)
    var start = UInt64(SegmentLayout.preambleByteCount)
    var buffer: [UInt8] = []
    var wanted = 1 << 20
    while start < limit {
      guard let count = try? file.read(wanted, into: &buffer, at: start), count > 16 else { return }
      let bytes = buffer.rawSpan.extracting(0..<count)
      let check = FrameCheck(bytes, start: start, salt: segment.salt, limit: limit)
      var place = 0
      walking: while place < count {
        switch check.frame(at: place) {
        case .intact(let head):
          let isBefore = take(head, bytes, at: place, start, offsets, segment.fileName, &found)
          guard isBefore else { return }
          place += head.alignedByteCount
        case .unknown(let needed):
          if place == 0 {
            guard needed > wanted else { return }
            wanted = needed
          }
          break walking
        default:
          var budget = 64 << 20
          guard let next = check.nextIntact(after: place, budget: &budget) else { return }
          place = next
        }
      }
      start += UInt64(place)
    }
  }

  /// Takes the records of a frame that are wanted; false behind the last of them.
  private func take(
    _ head: FrameHead, _ bytes: RawSpan, at place: Int, _ start: UInt64, _ offsets: Range<UInt64>,
    _ name: String, _ found: inout [Found]
  ) -> Bool {
    guard head.kind == .soloRecord || head.kind == .batch else { return true }
    let frame = bytes.extracting(place..<(place + Int(head.length)))
    func add(_ view: borrowing RecordView) {
      guard offsets.contains(view.offset.rawValue), let range = bytes.byteOffsets(of: view.content)
      else { return }
      found.append(
        Found(
          offset: view.offset.rawValue, appendTime: view.appendTime.rawValue,
          isTombstone: view.isTombstone,
          parts: LeafHasher.Parts(
            eventTime: view.eventTime?.rawValue, keyByteCount: view.key?.byteCount,
            typeByteCount: view.type?.byteCount, headersByteCount: view.headers.byteCount),
          content: view.content.copyBytes(), position: start + UInt64(range.lowerBound), file: name)
      )
    }
    do throws(FormatError) {
      if head.kind == .soloRecord {
        let view = try SoloRecord.view(frame, head: head)
        add(view)
        return view.offset.rawValue < offsets.upperBound
      }
      let batch = try BatchView(frame, frameHead: head, place: nil, limits: limits)
      guard batch.nextOffset.rawValue > offsets.lowerBound else { return true }
      for index in 0..<batch.count { add(try batch.record(at: index)) }
      return batch.baseOffset.rawValue < offsets.upperBound
    } catch {
      return true
    }
  }
}

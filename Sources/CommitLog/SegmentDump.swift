internal import ByteCoding
public import LogFormat
public import PlatformIO
public import Quantities

/// One segment file, frame by frame, without its store: for people who look for what happened.
///
/// Takes no lock. The salt of a segment is shown only once it is sealed: who knows the salt of an
/// active one could write frames that pass for the engine's own.
public final class SegmentDump: Sendable {
  /// The header, from page 0 or its copy.
  public let header: SegmentHeader
  /// The file.
  public var path: String { file.path }
  /// Size of the file in bytes.
  public var byteCount: UInt64 { file.byteCount }
  /// Recovery slots that are intact, by position.
  public let slots: [(position: UInt64, slot: RecoverySlot)]
  private let file: SegmentFile
  private let limits: FormatLimits

  /// Why a file could not be shown.
  public enum Failure: Error, Sendable {
    /// A file-system operation failed.
    case fileSystem(FileSystemError)
    /// The file is no segment, or its header is damaged or newer.
    case format(FormatError)
  }

  /// Opens a segment file.
  ///
  /// - Throws: ``Failure``: `.format(.damaged(.segmentHeader, .magic))` for foreign files.
  public init(
    opening path: String, limits: FormatLimits = FormatLimits(),
    environment: StoreEnvironment = .machine()
  ) throws(Failure) {
    let parts = Self.split(path)
    let file: SegmentFile
    do throws(FileSystemError) {
      let system = environment.fileSystem
      let directory = try system.openDirectory(path: parts.directory)
      defer { system.close(directory) }
      file = try SegmentFile(
        opening: parts.name, in: directory, path: path, fileSystem: system, streamID: 0,
        segmentID: 0, salt: 0, access: .reading, byteCountLimit: limits.segmentByteCountLimit)
    } catch {
      throw .fileSystem(error)
    }
    do throws(FormatError) { header = try file.header() } catch { throw .format(error) }
    self.file = file
    self.limits = limits
    var slots: [(position: UInt64, slot: RecoverySlot)] = []
    for position in SegmentLayout.slotPositions {
      let start = Int(position)
      let sector = file.bytes.extracting(start..<(start + RecoverySlot.byteCount))
      if let slot = try? RecoverySlot(sector, salt: header.salt, at: position) {
        slots.append((position, slot))
      }
    }
    self.slots = slots
  }

  private static func split(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
    let directory = String(path[..<slash])
    return (directory.isEmpty ? "/" : directory, String(path[path.index(after: slash)...]))
  }

  /// The salt, once nothing is written to the segment any more.
  public var shownSalt: UInt64? {
    slots.contains { $0.slot.flags.contains(.sealed) } ? header.salt : nil
  }

  /// One thing found in a segment.
  public enum Item: Sendable {
    /// A frame that is intact, with what it says.
    case frame(FrameSummary)
    /// Bytes that are no intact frame, up to the next one or the end.
    case damaged(from: FilePosition, to: FilePosition, FormatError)
    /// Nothing that counts was written from here on.
    case end(FilePosition)
  }

  /// Hands out what stands in the segment, from front to back.
  ///
  /// - Parameter body: Answers whether to go on.
  public func forEach(_ body: (Item) -> Bool) {
    let file = file
    let reader = FrameReader(file.bytes, salt: header.salt, limits: dumpLimits)
    var place = UInt64(SegmentLayout.preambleByteCount)
    while place < file.byteCount {
      do throws(FormatError) {
        let frame = try reader.frame(at: place, verifying: true)
        let summary = try FrameSummary(frame, dumpLimits)
        place = frame.end
        guard body(.frame(summary)) else { return }
        if summary.kind == "seal" { return }
      } catch {
        // Behind what a slot proves, a file that was used before may have anything.
        if error == .damaged(.frame, .empty) || isBehindKnownEnd(place) {
          let rest = FrameSearch(reader).nextIntact(after: place, to: file.byteCount)
          if rest >= file.byteCount {
            _ = body(.end(FilePosition(rawValue: place)))
            return
          }
        }
        let next = FrameSearch(reader).nextIntact(after: place, to: file.byteCount)
        guard
          body(
            .damaged(
              from: FilePosition(rawValue: place), to: FilePosition(rawValue: next), error))
        else { return }
        place = next
      }
    }
  }

  private func isBehindKnownEnd(_ position: UInt64) -> Bool {
    guard let newest = slots.max(by: { $0.slot.sequence < $1.slot.sequence })?.slot else {
      return false
    }
    return newest.durablePosition.rawValue <= position
  }

  /// Manifest segments hold large batches.
  private var dumpLimits: FormatLimits {
    var limits = limits
    if header.streamID == 0 { limits.batchByteCountLimit = 1 << 30 }
    return limits
  }
}

/// What a frame says, without payloads and keys.
public struct FrameSummary: Hashable, Sendable {
  /// A member of a frame by its name in the format's description.
  public struct Field: Hashable, Sendable {
    /// The name.
    public let name: String
    /// The value as text; a number unless `isText`.
    public let value: String
    /// Whether the value is text.
    public let isText: Bool
  }

  /// Where it stands.
  public let position: FilePosition
  /// Bytes of the frame without its alignment.
  public let byteCount: UInt32
  /// The kind by its name, or its number for one this version does not know.
  public let kind: String
  /// What it says.
  public private(set) var fields: [Field] = []

  init(_ frame: borrowing Frame, _ limits: FormatLimits) throws(FormatError) {
    position = FilePosition(rawValue: frame.position)
    byteCount = frame.head.length
    kind = frame.head.kind.map { "\($0)" } ?? "\(frame.head.rawKind)"
    switch frame.head.kind {
    case .soloRecord:
      let view = try SoloRecord.view(frame.bytes, head: frame.head)
      add("offset", view.offset.rawValue)
      add("appendTime", view.appendTime.rawValue)
      add("valueBytes", UInt64(view.valueByteCount))
      addProducer(try SoloRecord.producer(frame.bytes, head: frame.head))
    case .batch:
      let batch = try BatchView(frame.bytes, frameHead: frame.head, place: nil, limits: limits)
      add("offset", batch.baseOffset.rawValue)
      add("records", UInt64(batch.count))
      add("appendTime", batch.head.appendTime.rawValue)
      add("bodyBytes", UInt64(batch.head.bodyByteCount))
      addProducer(try batch.producer)
    case .commit:
      let commit = try CommitFrame(frame.bytes, at: frame.position)
      add("sequence", commit.sequence)
      add("nextOffset", commit.nextOffset.rawValue)
      add("durablePosition", commit.durablePosition.rawValue)
      add("epoch", UInt64(commit.epoch))
    case .gap:
      let gap = try GapFrame(frame.bytes)
      add("offset", gap.firstOffset.rawValue)
      add("count", UInt64(gap.count))
    case .indexRows:
      let index = try IndexFrame(frame.bytes, at: frame.position)
      add("rows", UInt64(index.rows.count))
      add("previousPosition", index.previousPosition.rawValue)
    case .state:
      let state = try StateFrame(frame.bytes, at: frame.position, limits: limits)
      add("nextOffset", state.nextOffset.rawValue)
      add("producers", UInt64(state.producers.count))
    case .control:
      add("clockStep", try ControlFrame(frame.bytes).clockStepNanoseconds)
    case .seal:
      let seal = try SealBlock(frame.bytes, at: frame.position, limits: limits)
      add("baseOffset", seal.baseOffset.rawValue)
      add("nextOffset", seal.nextOffset.rawValue)
      add("records", seal.statistics.recordCount)
      add("rows", UInt64(seal.rows.count))
      add("producers", UInt64(seal.producers.count))
    case .integrity:
      let group = try IntegrityFrame(frame.bytes)
      add("sequence", group.sequence)
      add("firstOffset", group.firstOffset.rawValue)
      add("nextOffset", group.nextOffset.rawValue)
      add("treeSize", group.treeSize)
      fields.append(Field(name: "root", value: Hexadecimal.text(group.root), isText: true))
      fields.append(Field(name: "head", value: Hexadecimal.text(group.head), isText: true))
    case .padding, nil: break
    }
  }

  private mutating func add(_ name: String, _ number: some BinaryInteger) {
    fields.append(Field(name: name, value: "\(number)", isText: false))
  }

  private mutating func addProducer(_ stamp: ProducerStamp?) {
    guard let stamp else { return }
    let id = Hexadecimal.digits(stamp.id, count: 16)
    fields.append(Field(name: "producer", value: id, isText: true))
    add("producerEpoch", UInt64(stamp.epoch))
    add("sequence", UInt64(stamp.sequence))
  }
}

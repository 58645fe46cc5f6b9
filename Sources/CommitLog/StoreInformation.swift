public import ByteCoding
public import LogFormat
internal import PlatformIO
public import Quantities

/// What a store is made of, as a reader finds it.
public struct StoreInformation: Sendable {
  /// The store's identity.
  public let id: UniqueIdentifier
  /// The directory.
  public let path: String
  /// Openings for writing so far.
  public let epoch: UInt64
  /// When the store was made.
  public let createdTime: Timestamp
  /// Who holds the lock; `nil` when nobody does.
  public let writer: OpenError.LockHolder?
  /// Whether a process writes to the store now.
  public let hasWriter: Bool
  /// Files kept aside because nobody could tell what they are worth.
  public let quarantinedFiles: [String]
  /// Room on the file system; `nil` when it does not say.
  public let space: StoreSpace?
  /// Bytes on the disk of what is no stream's: superblock, manifest, lock, prepared files, ballast.
  public let metadataByteCount: UInt64
  /// What keeps records from going, by name.
  public let holds: [RetentionHold]
  /// The streams, by the bytes of their names.
  public let streams: [StreamInformation]
}

/// What a stream is made of.
public struct StreamInformation: Sendable {
  /// Its name.
  public let name: String
  /// Its number in the store.
  public let id: UInt64
  /// Its durability class.
  public let durability: Durability
  /// What chain and tree it has.
  public let evidence: EvidenceClass
  /// Size its segments grow to in bytes.
  public let segmentByteCount: UInt64
  /// How much is kept.
  public let retention: RetentionPolicy
  /// First offset kept.
  public let logStartOffset: Offset
  /// First offset readers may not see yet.
  public let visibleOffset: Offset
  /// First offset that power loss may still take; `nil` where no writer tells and the files do not.
  public let durableOffset: Offset?
  /// Whether it was closed in order the last time; `nil` while it is open and when it has no records.
  public let wasClosedInOrder: Bool?
  /// What earlier openings found damaged, ascending.
  public let damages: [DamagedPlace]
  /// Its segments, ascending.
  public let segments: [SegmentInformation]

  /// Bytes its files take on the disk.
  public var allocatedByteCount: UInt64 { segments.reduce(0) { $0 + $1.allocatedByteCount } }
}

/// A place that an earlier opening found damaged; readers report it and go on behind it.
public struct DamagedPlace: Hashable, Sendable {
  /// The segment it is in.
  public let segmentID: UInt64
  /// First and next byte of the file.
  public let positions: Range<UInt64>
  /// First and next offset of the records that may be lost; empty when none is.
  public let offsets: Range<Offset>

  init(_ range: ManifestEdit.DamagedRange) {
    segmentID = range.segmentID
    positions = range.from.rawValue..<max(range.from, range.to).rawValue
    offsets = range.firstOffset..<max(range.firstOffset, range.nextOffset)
  }
}

/// What a segment is.
public struct SegmentInformation: Sendable {
  /// What may still happen to it.
  public enum State: String, Sendable {
    /// Takes the appends.
    case active
    /// Ended with a seal block.
    case sealed
    /// Ended because a sync of it failed.
    case poisoned
    /// Ended by recovery.
    case recovered
    /// Its file is missing or cannot be opened.
    case unreadable
  }

  /// Its number in the store.
  public let id: UInt64
  /// Its file.
  public let path: String
  /// What may still happen to it.
  public let state: State
  /// Offset of its first record.
  public let baseOffset: Offset
  /// Offset behind its last record; `nil` while it is active.
  public let nextOffset: Offset?
  /// Size of the file in bytes.
  public let byteCount: UInt64
  /// Bytes the file takes on the disk.
  public let allocatedByteCount: UInt64
}

extension StoreReader {
  /// Looks at everything the store is made of; reads no records.
  ///
  /// - Throws: ``OpenError`` when the manifest cannot be read any more.
  public func information() throws(OpenError) -> StoreInformation {
    let state = try refreshManifest()
    let superblock = try SuperBlockFile.read(in: directory, options.limits).superblock
    let quarantined = (try? directory.fileSystem.entries(of: directory.quarantine)) ?? []
    let streams = state.streams.values.sorted {
      $0.definition.name.utf8.lexicographicallyPrecedes($1.definition.name.utf8)
    }
    let isWriting = hasWriter
    return StoreInformation(
      id: superblock.storeID, path: path, epoch: superblock.epoch,
      createdTime: superblock.createdTime,
      writer: isWriting ? StoreLock.describedHolder(in: directory) : nil, hasWriter: isWriting,
      quarantinedFiles: quarantined.map(\.name).sorted(),
      space: try? StoreSpace(of: directory, options), metadataByteCount: metadataByteCount,
      holds: state.sortedHolds.map { RetentionHold($0, state) },
      streams: streams.map { information(of: $0, isWriting: isWriting) })
  }

  private func information(of stream: ManifestState.Stream, isWriting: Bool) -> StreamInformation {
    let definition = stream.definition
    let cell = isWriting ? shared?.findCell(forStream: definition.streamID) : nil
    let list = SegmentList(stream, directory: directory, limits: options.limits)
    var segments: [SegmentInformation] = []
    for (segment, entry) in zip(stream.segments, list.all) {
      segments.append(information(of: segment, entry))
    }
    var visible = cell?.visible
    if visible == nil, let name = try? StreamName(definition.name),
      let source = try? source(named: name)
    {
      visible = source.visible
    }
    let slot = list.all.last.flatMap { try? $0.file().newestSlot()?.slot }
    let isActive = stream.segments.last.map { $0.end == nil } ?? false
    let isClean = slot.map { $0.flags.contains(.clean) } ?? false
    let durable =
      cell?.durable
      ?? (isActive ? slot?.nextOffset.rawValue : stream.segments.last?.end?.nextOffset.rawValue)
    return StreamInformation(
      name: definition.name, id: definition.streamID, durability: definition.durabilitySetting,
      evidence: definition.evidence,
      segmentByteCount: definition.segmentByteCount, retention: RetentionPolicy(stream.retention),
      logStartOffset: cell.map { Offset(rawValue: $0.logStart) } ?? stream.logStart,
      visibleOffset: Offset(rawValue: visible ?? stream.logStart.rawValue),
      durableOffset: durable.map { Offset(rawValue: $0) },
      wasClosedInOrder: cell != nil || stream.segments.isEmpty ? nil : isClean || !isActive,
      damages: stream.segments.flatMap { $0.damaged.map(DamagedPlace.init) }, segments: segments)
  }

  /// Bytes on the disk of the files beside the streams' directories.
  private var metadataByteCount: UInt64 {
    let system = directory.fileSystem
    var sum: UInt64 = 0
    let places = [directory.root, directory.manifest, directory.spare, directory.quarantine]
    for place in places {
      for entry in (try? system.entries(of: place)) ?? [] where entry.kind == .regular {
        guard let handle = try? system.open(entry.name, in: place, .readOnly) else { continue }
        defer { system.close(handle) }
        sum += (try? system.allocatedByteCount(of: handle)) ?? 0
      }
    }
    return sum
  }

  private func information(of segment: ManifestState.Segment, _ entry: SegmentEntry)
    -> SegmentInformation
  {
    let file = try? entry.file()
    let state: SegmentInformation.State =
      switch segment.end?.reason {
      case _ where file == nil: .unreadable
      case .sealed: .sealed
      case .poisoned: .poisoned
      case .recovered: .recovered
      case nil: .active
      }
    let allocated = file.flatMap { try? directory.fileSystem.allocatedByteCount(of: $0.handle) }
    return SegmentInformation(
      id: segment.id, path: entry.path, state: state, baseOffset: segment.baseOffset,
      nextOffset: segment.end?.nextOffset, byteCount: file?.byteCount ?? 0,
      allocatedByteCount: allocated ?? 0)
  }
}

extension ManifestEdit.StreamDefinition {
  /// The class with its bounds.
  var durabilitySetting: Durability {
    switch durability {
    case .memory: .memory
    case .async:
      .async(maxDelayNanoseconds: maxDelayNanoseconds, maxByteCount: maxByteCount)
    case .disk: .disk
    }
  }
}

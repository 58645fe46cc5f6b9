internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// The file `SUPER` with its two copies.
enum SuperBlockFile {
  /// A superblock and the places it was not intact at.
  struct Found {
    var superblock: SuperBlock
    var repairs: [StoreRepair] = []
    /// Both copies were lost; this one was made up from the newest manifest segment.
    var isRebuilt = false
  }

  /// Replaces both copies, durably, one after the other: the older one first. What the superblock
  /// says counts when the first is durable; the second is there so that no single copy that rots
  /// later brings back what was true before.
  static func write(_ superblock: inout SuperBlock, in directory: StoreDirectory)
    throws(FileSystemError)
  {
    let system = directory.fileSystem
    let handle = try system.open(StoreDirectory.superblockName, in: directory.root, .readWrite)
    defer { system.close(handle) }
    for _ in SuperBlock.positions {
      superblock.generation += 1
      let place = SuperBlock.positions[Int(superblock.generation % 2)]
      try system.write(handle, bytes: superblock.encoded(at: place), at: place)
      try system.synchronizeData(handle)
    }
  }

  /// As ``write(_:in:)``, with another manifest segment.
  static func write(
    _ superblock: inout SuperBlock, naming segment: SegmentFile, in directory: StoreDirectory
  ) throws(FileSystemError) {
    superblock.manifestSegmentID = segment.segmentID
    superblock.manifestSalt = segment.salt
    try write(&superblock, in: directory)
  }

  /// Creates the file with both copies; the store exists from then on.
  static func create(_ superblock: SuperBlock, in directory: StoreDirectory)
    throws(FileSystemError)
  {
    var bytes = [UInt8](repeating: 0, count: SuperBlock.fileByteCount)
    var copy = superblock
    for _ in SuperBlock.positions {
      let place = Int(SuperBlock.positions[Int(copy.generation % 2)])
      bytes.replaceSubrange(
        place..<(place + SuperBlock.byteCount), with: copy.encoded(at: UInt64(place)))
      copy.generation += 1
    }
    try directory.fileSystem.replace(
      StoreDirectory.superblockName, in: directory.root, bytes: bytes)
  }

  // MARK: Reading

  /// Reads the newer intact copy. When both are lost, the newest manifest segment that is whole tells
  /// what they said.
  static func read(in directory: StoreDirectory, _ limits: FormatLimits) throws(OpenError) -> Found
  {
    let path = "\(directory.path)/\(StoreDirectory.superblockName)"
    let bytes = try fileBytes(directory)
    var repairs: [StoreRepair] = []
    var copies: [Result<SuperBlock, FormatError>] = []
    for place in SuperBlock.positions {
      let copy = copy(bytes, at: place)
      if case .failure(let error) = copy {
        repairs.append(
          StoreRepair(path: path, position: FilePosition(rawValue: place), cause: error))
      }
      copies.append(copy)
    }
    do throws(FormatError) {
      let newest = try SuperBlock.newest(copies[0], copies[1])
      return Found(superblock: newest, repairs: repairs)
    } catch {
      if case .newer = error { throw .newer(path: path, error) }
      guard repairs.count == SuperBlock.positions.count,
        let rebuilt = try rebuilt(directory, limits)
      else { throw .damaged(path: path, position: 0, error) }
      return Found(superblock: rebuilt, repairs: repairs, isRebuilt: true)
    }
  }

  /// The file, filled up with zeros; a store that lost it is told from what is no store by its streams.
  private static func fileBytes(_ directory: StoreDirectory) throws(OpenError) -> [UInt8] {
    let system = directory.fileSystem
    do throws(FileSystemError) {
      let handle = try system.open(StoreDirectory.superblockName, in: directory.root, .readOnly)
      defer { system.close(handle) }
      let bytes = try system.read(handle, byteCount: SuperBlock.fileByteCount, at: 0)
      return bytes + [UInt8](repeating: 0, count: SuperBlock.fileByteCount - bytes.count)
    } catch {
      guard error.reason == .notFound else { throw .fileSystem(error) }
    }
    do throws(FileSystemError) {
      if try system.entries(of: directory.streams).isEmpty {
        throw FileSystemError(.open, directory.path, .notFound)
      }
    } catch {
      if error.reason == .notFound { throw .notAStore(path: directory.path) }
      throw .fileSystem(error)
    }
    return [UInt8](repeating: 0, count: SuperBlock.fileByteCount)
  }

  private static func copy(_ bytes: [UInt8], at position: UInt64) -> Result<SuperBlock, FormatError>
  {
    do throws(FormatError) {
      let sector = bytes.rawSpan.extracting(Int(position)..<(Int(position) + SuperBlock.byteCount))
      return .success(try SuperBlock(sector, at: position))
    } catch {
      return .failure(error)
    }
  }

  // MARK: Rebuilding

  /// Generation of a rebuilt superblock: above any that was ever written.
  private static let rebuiltGeneration: UInt64 = 1 << 32

  /// The superblock that names the newest whole manifest segment; `nil` when there is none.
  ///
  /// Every opening for writing sets other manifest segments aside, and a fresh one is whole before the
  /// superblock names it; so the newest whole one holds everything that was acknowledged.
  private static func rebuilt(_ directory: StoreDirectory, _ limits: FormatLimits)
    throws(OpenError) -> SuperBlock?
  {
    var ids: Set<UInt64> = []
    do throws(FileSystemError) {
      for entry in try directory.fileSystem.entries(of: directory.manifest)
      where entry.kind == .regular {
        if let id = StoreDirectory.manifestID(fromName: entry.name) { ids.insert(id) }
      }
      for id in ids.sorted(by: >) {
        if let found = try superblock(ofSegment: id, directory, limits) { return found }
      }
    } catch {
      throw .fileSystem(error)
    }
    return nil
  }

  private static func superblock(
    ofSegment id: UInt64, _ directory: StoreDirectory, _ limits: FormatLimits
  ) throws(FileSystemError) -> SuperBlock? {
    let identity = try directory.fileSystem.identity(of: directory.root)
    for name in [StoreDirectory.segmentName(id), StoreDirectory.mirrorName(id)] {
      let found: SegmentHeader?
      do throws(FileSystemError) {
        let file = try ManifestCopies.open(
          name, id, 0, directory, .reading, limits.segmentByteCountLimit)
        found = try? file.header()
      } catch {
        guard error.meansDamage else { throw error }
        continue
      }
      guard let header = found, header.streamID == 0, header.segmentID == id else { continue }
      var superblock = SuperBlock(
        storeID: header.storeID, generation: rebuiltGeneration, epoch: 0, manifestSegmentID: id,
        manifestSalt: header.salt, createdTime: header.createdTime, device: identity.device,
        inode: identity.inode)
      guard let replay = try? ManifestReplay.read(directory, superblock, limits) else { continue }
      superblock.epoch = replay.epoch
      return superblock
    }
    return nil
  }
}

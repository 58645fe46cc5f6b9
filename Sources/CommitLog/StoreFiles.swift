internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// The root of a store that is open for reading: what its streams share, so that readers may outlive
/// the ``StoreReader`` they were made from, and neither keeps the other alive.
final class StoreFiles: Sendable {
  let directory: StoreDirectory
  let options: StoreOptions
  let environment: StoreEnvironment
  let superblock: SuperBlock
  let repairs: [StoreRepair]
  private let isOriginal: Bool
  private let sharing: Guarded<SharedPage?>
  private let replay: Guarded<Reading>

  /// What the manifest said, and how it is known that it says no more.
  private struct Reading: Sendable {
    var superblock: SuperBlock
    var state: ManifestState
    /// The mapped file, and the place in it where the next frame would stand.
    var file: SegmentFile?
    var end: UInt64

    /// Whether nothing was written behind what was read.
    func isCurrent(_ now: SuperBlock) -> Bool {
      guard now == superblock, let file, !file.wasTruncated else { return false }
      return file.bytes.littleEndianUnsigned64(at: Int(end)) == 0
    }
  }

  init(opening path: String, _ options: StoreOptions, _ environment: StoreEnvironment)
    throws(OpenError)
  {
    directory = try StoreOpening.openDirectory(path, environment)
    let (reading, repairs) = try Self.readManifest(directory, options)
    let superblock = reading.superblock
    self.repairs = repairs
    self.options = options
    self.environment = environment
    self.superblock = superblock
    replay = Guarded(reading)
    // A copy has its original's identity, and the memory belongs to the original.
    let identity = try? directory.fileSystem.identity(of: directory.root)
    isOriginal =
      identity.map {
        $0.device == superblock.device && $0.inode == superblock.inode
      } ?? false
    sharing = Guarded(
      options.sharesWatermarks && isOriginal ? try? SharedPage(storeID: superblock.storeID) : nil)
  }

  deinit { shared?.removeIfUnused() }

  /// The memory shared with a writer, where it may be used.
  var shared: SharedPage? { sharing.withLock { $0 } }

  /// Looks for the memory of a writer that came after the one this store was opened beside.
  func renewShared() {
    guard options.sharesWatermarks, isOriginal else { return }
    guard let fresh = try? SharedPage(storeID: superblock.storeID) else { return }
    if fresh.liveEpoch != nil { sharing.withLock { $0 = fresh } }
  }

  /// The manifest may be replaced while it is read: a few attempts settle that.
  private static func readManifest(_ directory: StoreDirectory, _ options: StoreOptions)
    throws(OpenError) -> (Reading, [StoreRepair])
  {
    var attempts = 0
    while true {
      attempts += 1
      let found = try SuperBlockFile.read(in: directory, options.limits)
      let superblock = found.superblock
      do throws(OpenError) {
        let replay = try ManifestReplay.read(directory, superblock, options.limits)
        let reading = Reading(
          superblock: superblock, state: replay.fold,
          file: replay.image == nil ? replay.copies.main : nil, end: replay.scan.position)
        return (reading, found.repairs + replay.repairs)
      } catch {
        guard attempts < 5 else { throw error }
        let again = try SuperBlockFile.read(in: directory, options.limits).superblock
        guard again.manifestSegmentID != superblock.manifestSegmentID else { throw error }
      }
    }
  }

  /// What the manifest said when it was last read.
  var manifest: ManifestState { replay.withLock { $0.state } }

  /// Reads the manifest again, if there is more in it than was read.
  func refreshManifest() throws(OpenError) -> ManifestState {
    if let superblock = try? SuperBlockFile.read(in: directory, options.limits).superblock,
      let state = replay.withLock({ $0.isCurrent(superblock) ? $0.state : nil })
    {
      return state
    }
    let (reading, _) = try Self.readManifest(directory, options)
    replay.withLock { $0 = reading }
    return reading.state
  }
}

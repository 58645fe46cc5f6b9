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
  private let replay: Guarded<ManifestState>

  init(opening path: String, _ options: StoreOptions, _ environment: StoreEnvironment)
    throws(OpenError)
  {
    directory = try StoreOpening.openDirectory(path, environment)
    let (superblock, state, repairs) = try Self.readManifest(directory, options)
    self.repairs = repairs
    self.options = options
    self.environment = environment
    self.superblock = superblock
    replay = Guarded(state)
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
    throws(OpenError) -> (SuperBlock, ManifestState, [StoreRepair])
  {
    var attempts = 0
    while true {
      attempts += 1
      let found = try SuperBlockFile.read(in: directory, options.limits)
      let superblock = found.superblock
      do throws(OpenError) {
        let replay = try ManifestReplay.read(directory, superblock, options.limits)
        return (superblock, replay.fold, found.repairs + replay.repairs)
      } catch {
        guard attempts < 5 else { throw error }
        let again = try SuperBlockFile.read(in: directory, options.limits).superblock
        guard again.manifestSegmentID != superblock.manifestSegmentID else { throw error }
      }
    }
  }

  /// What the manifest said when it was last read.
  var manifest: ManifestState { replay.withLock { $0 } }

  /// Reads the manifest again.
  func refreshManifest() throws(OpenError) -> ManifestState {
    let (_, state, _) = try Self.readManifest(directory, options)
    replay.withLock { $0 = state }
    return state
  }
}

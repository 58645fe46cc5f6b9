import Glibc
import LogFormat
import Testing

@testable import DamageScenarios

/// Fields with hostile values and right checksums, in whole stores.
@Suite struct ForgedStoreTests {
  static let seed: UInt64 = 20_260_119

  /// How many times the usual number of changes, for long runs.
  // Safety: the environment is not changed by tests; the text is copied at once.
  static let share =
    unsafe getenv("PIPEROLL_FORGE_SHARE").flatMap {
      Int(unsafe String(cString: $0))
    } ?? 1

  private func check(_ store: ForgedStore, _ targets: [ForgedStore.Target], count: Int) throws {
    print("forging with seed \(store.seed)")
    #expect(!targets.isEmpty)
    let count = Int(clamping: count * Self.share / targets.count)
    for target in targets {
      let isManifest = target.name.hasPrefix("manifest")
      let changes =
        isManifest
        ? store.changesOfEdits(in: target, count: max(1, count))
        : store.changes(of: target, count: max(1, count))
      for change in changes {
        let copy = try store.forged(target, change)
        let problem = try store.problem(copy, target)
        #expect(problem == nil, "\(target.name), \(target.paths), \(change)")
      }
    }
  }

  @Test(arguments: [
    FrameKind.soloRecord, .batch, .commit, .indexRows, .state, .seal, .gap, .control, .padding,
  ])
  func `a forged frame is read, refused or reported, and other streams are as before`(
    _ kind: FrameKind
  ) throws {
    // Index frames take more records than the others.
    let store = try ForgedStore(
      seed: Self.seed, byteCount: kind == .indexRows ? 1 << 20 : 40 << 10)
    try check(store, store.frames(kind), count: kind == .indexRows ? 3 : 8)
  }

  @Test func `a forged segment header is read, refused or reported`() throws {
    let store = try ForgedStore(seed: Self.seed)
    try check(store, store.headers(), count: 10)
  }

  @Test func `a forged recovery slot is read, refused or reported`() throws {
    let store = try ForgedStore(seed: Self.seed)
    try check(store, store.slots(), count: 16)
  }

  @Test func `a forged superblock is read, refused or reported`() throws {
    let store = try ForgedStore(seed: Self.seed)
    try check(store, store.superblocks(), count: 12)
  }

  @Test func `a forged manifest is read, refused or reported`() throws {
    let store = try ForgedStore(seed: Self.seed)
    try check(store, store.manifestFrames(), count: 16)
  }
}

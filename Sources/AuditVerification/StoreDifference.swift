internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogFormat
public import PlatformIO
internal import Quantities

/// Where two copies of a store part: by the heads of their chains, then by their records.
public struct StoreDifference: Hashable, Sendable {
  /// One of the two.
  public enum Side: String, Hashable, Sendable, CaseIterable {
    /// The first.
    case first
    /// The second.
    case second
  }

  /// What two streams of one name have in common.
  public struct Stream: Hashable, Sendable {
    /// The streams' name.
    public var name: String
    /// Groups that both have, one behind the other from the first.
    public var commonGroupCount: UInt64
    /// Offset behind the last of these.
    public var commonGroupedOffset: UInt64
    /// The first offset at which they differ, or that only one of them has; `nil` when they are the same.
    public var partingOffset: UInt64?
    /// Whether they have different records at ``partingOffset``; else one ends there.
    public var isConflicting: Bool
    /// Offsets behind the last records of the first and of the second.
    public var nextOffsets: [UInt64]
    /// Which of them has more records; `nil` when both have as many.
    public var longer: Side?
  }

  /// Streams that both have, by name.
  public private(set) var streams: [Stream] = []
  /// Names of streams that only the first has.
  public private(set) var onlyInFirst: [String] = []
  /// Names of streams that only the second has.
  public private(set) var onlyInSecond: [String] = []

  /// Whether both have the same streams with the same records.
  public var isEmpty: Bool {
    onlyInFirst.isEmpty && onlyInSecond.isEmpty && streams.allSatisfy { $0.partingOffset == nil }
  }

  /// Leaves that are compared at a time.
  private static let windowLeafCount = 1 << 18

  /// Compares two stores. What cannot be read counts as missing; audit both to learn why.
  ///
  /// - Parameters:
  ///   - first: The folder of a store.
  ///   - second: The folder of another.
  ///   - fileSystem: Where both are.
  /// - Throws: ``AuditError``.
  public init(_ first: String, _ second: String, fileSystem: any FileSystem) throws(AuditError) {
    let sides = [try Copy(first, fileSystem), try Copy(second, fileSystem)]
    let names = sides.map { Set($0.streams.keys) }
    onlyInFirst = names[0].subtracting(names[1]).sorted()
    onlyInSecond = names[1].subtracting(names[0]).sorted()
    for name in names[0].intersection(names[1]).sorted() {
      let pair = sides.compactMap { copy in copy.streams[name].map { (copy, $0) } }
      streams.append(Self.compare(name, pair))
    }
  }

  private struct Copy {
    let folder: AuditedFolder
    var streams: [String: StoreMap.Stream] = [:]

    init(_ path: String, _ fileSystem: any FileSystem) throws(AuditError) {
      do throws(FileSystemError) {
        folder = try AuditedFolder(path, fileSystem)
        var search = BitSearch()
        let root = try StoreRoot.read(folder, &search)
        for stream in root.map.sorted { streams[stream.name] = stream }
        guard root.isKnown else { throw FileSystemError(.open, path, .notFound) }
      } catch {
        throw error.isAboutTheFile ? .notAStore(path: path) : .fileSystem(error)
      }
    }
  }

  private static func compare(_ name: String, _ pair: [(Copy, StoreMap.Stream)]) -> Stream {
    let groups = pair.map { DifferenceWalk.run($0.1, $0.0.folder, leavesFrom: nil, limit: 0) }
    var result = Stream(
      name: name, commonGroupCount: 0, commonGroupedOffset: 0, partingOffset: nil,
      isConflicting: false, nextOffsets: groups.map(\.nextOffset), longer: nil)
    // Each may begin with another group, where records were removed.
    let start = groups.compactMap { $0.groups.first?.sequence }.max() ?? 0
    let tails = groups.map { walk in walk.groups.drop { $0.sequence < start } }
    for (first, second) in zip(tails[0], tails[1]) {
      guard first == second else { break }
      (result.commonGroupCount, result.commonGroupedOffset) = (first.sequence, first.nextOffset)
    }
    var from = max(
      result.commonGroupedOffset, groups.compactMap(\.firstOffset).max() ?? 0)
    let ends = result.nextOffsets
    if ends[0] != ends[1] { result.longer = ends[0] > ends[1] ? .first : .second }
    while true {
      let windows = pair.map {
        DifferenceWalk.run($0.1, $0.0.folder, leavesFrom: from, limit: windowLeafCount)
      }
      let count = UInt64(min(windows[0].leaves.count, windows[1].leaves.count))
      if let index = zip(windows[0].leaves, windows[1].leaves).enumerated().first(where: {
        $0.element.0 != $0.element.1
      })?.offset {
        (result.partingOffset, result.isConflicting) = (from + UInt64(index), true)
        return result
      }
      from += count
      // One of them is at its end.
      guard count > 0, from < ends[0], from < ends[1] else { break }
    }
    if ends[0] != ends[1] || from < ends[0] { result.partingOffset = min(from, ends.max() ?? from) }
    return result
  }
}

/// Collects the groups of a stream, or leaves of it.
private struct DifferenceWalk: ChunkStage {
  struct Group: Hashable, Sendable {
    var sequence: UInt64
    var nextOffset: UInt64
    var head: Digest
  }

  var groups: [Group] = []
  var leaves: [Digest] = []
  var firstOffset: UInt64?
  var nextOffset: UInt64 = 0
  private let leavesFrom: UInt64?
  private let limit: Int

  static func run(
    _ stream: StoreMap.Stream, _ folder: AuditedFolder, leavesFrom: UInt64?, limit: Int
  ) -> DifferenceWalk {
    var walk = DifferenceWalk(leavesFrom: leavesFrom, limit: limit)
    var search = BitSearch()
    var planner = SegmentPlanner(stream, folder)
    var plan = planner.plan(&search)
    walk.firstOffset = plan.first?.baseOffset
    if let leavesFrom, let index = plan.lastIndex(where: { $0.baseOffset <= leavesFrom }) {
      plan = Array(plan[index...])
    }
    guard !plan.isEmpty else { return walk }
    var task = ChunkWalk.Task()
    task.leavesFrom = leavesFrom
    let source = ChunkSource(
      plan, task: task, chunkByteCount: 1 << 20,
      { (name) throws(FileSystemError) in try folder.open(name) })
    return AuditPipeline.run(source, walk, workerCount: 1)
  }

  private init(leavesFrom: UInt64?, limit: Int) {
    (self.leavesFrom, self.limit) = (leavesFrom, limit)
  }

  mutating func take(
    _ account: consuming ChunkAccount, _ request: ChunkSource.Request,
    _ segments: inout [PlannedSegment]
  ) -> ChunkSource.Cut? {
    for item in account.items {
      switch item {
      case .run(let run):
        nextOffset = max(nextOffset, run.next)
        guard let leavesFrom else { continue }
        // What is not there is not known: a leaf of zeros, which no record has.
        while leavesFrom + UInt64(leaves.count) < run.first, leaves.count < limit {
          leaves.append(Digest())
        }
        if run.isGap {
          for offset in max(run.first, leavesFrom)..<max(run.next, leavesFrom)
          where leaves.count < limit {
            leaves.append(
              MerkleTree.leafHash(RecordLeaf(kind: .gap, offset: offset, appendTime: 0).encoded))
          }
        } else {
          leaves += account.leaves[run.leaves].prefix(max(0, limit - leaves.count))
        }
      default: break
      }
    }
    for case .integrity(let group, _, _) in account.events {
      guard leavesFrom == nil, let head = Digest(group.head) else { continue }
      groups.append(
        Group(sequence: group.sequence, nextOffset: group.nextOffset.rawValue, head: head))
    }
    if leavesFrom != nil, leaves.count >= limit { return nil }
    let next = ChunkSource.Cut.beginning(of: request.cut.segment + 1)
    if case .more = account.stop, account.end > account.start {
      return ChunkSource.Cut(segment: request.cut.segment, position: account.end)
    }
    return next.segment < segments.count ? next : nil
  }
}

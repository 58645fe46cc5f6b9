internal import PlatformIO

/// Which segment files this process holds open for reading, so that a log of any length needs no more
/// descriptors and mappings than a share of what the process may have.
///
/// Ended segments that were not used lately are let go of, oldest first (second chance); those who read
/// them keep them, and the next use opens them again.
final class OpenSegments: Sendable {
  static let shared = OpenSegments(limit: OpenFileLimit.current / 4)

  private let limit: Int
  private let queue = Guarded<[Holder]>([])

  private struct Holder: Sendable {
    weak var entry: SegmentEntry?
  }

  init(limit: Int) { self.limit = max(16, min(512, limit)) }

  /// Takes an entry that has just opened its file.
  func note(_ entry: SegmentEntry) {
    let candidates = queue.withLock { queue -> [Holder] in
      queue.append(Holder(entry: entry))
      guard queue.count > limit else { return [] }
      let count = queue.count - limit + limit / 32
      defer { queue.removeFirst(count) }
      return Array(queue[..<count])
    }
    let kept = candidates.filter { holder in
      guard let entry = holder.entry else { return false }
      return !entry.release()
    }
    if !kept.isEmpty { queue.withLock { $0 += kept } }
  }
}

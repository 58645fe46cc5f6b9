internal import PlatformIO
internal import Synchronization

/// Files of removed segments that wait to leave the disk.
///
/// Whoever removes segments does not wait for it; whoever needs the room does.
final class RemovedFiles: Sendable {
  private struct Batch: Sendable {
    let log: StreamLog
    let segments: [SegmentEntry]
  }

  private let waiting = Guarded<[Batch]>([])
  /// Held while a batch goes.
  private let removing = Guarded<Void>(())
  private let gone = Atomic<Int>(0)

  /// How many batches have gone so far.
  var count: Int { gone.load(ordering: .acquiring) }

  func add(_ segments: [SegmentEntry], of log: StreamLog) {
    waiting.withLock { $0.append(Batch(log: log, segments: segments)) }
  }

  /// Removes what waits, behind whoever is at it.
  func removeAll() {
    removing.withLock { _ in
      while let batch = waiting.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
        batch.log.removeFiles(of: batch.segments)
        gone.wrappingAdd(1, ordering: .acquiringAndReleasing)
      }
    }
  }
}

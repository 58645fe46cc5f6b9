internal import LogFormat
internal import PlatformIO
public import Quantities

extension StreamLog {
  /// Offset of the newest record of a producer, to compare it with what the producer is about to
  /// continue; `nil` when the producer is not known.
  public func lastOffset(ofProducer id: UInt64) -> Offset? {
    state.withLock { state in
      state.producers.entries[id]?.ranges.last.map { range in
        range.baseOffset.advanced(by: UInt64(range.count) - 1)
      }
    }
  }
}

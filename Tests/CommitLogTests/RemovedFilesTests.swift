import PlatformIO
import Quantities
import Testing

@testable import CommitLog

@Suite struct RemovedFilesTests {
  @Test func `an append takes the room of removed segments whose files have not gone yet`() throws {
    try withSmallFileSystem(megabytes: 16) { folder in
      var storeOptions = StoreOptions()
      storeOptions.minimumFreePercent = 0
      try Store.create(at: folder + "/store", options: storeOptions)
      let store = try Store.open(at: folder + "/store", options: storeOptions)
      var options = StreamOptions()
      options.firstSegmentByteCount = 1 << 20
      options.segmentByteCount = 2 << 20
      let log = try store.createStream(StreamName("s"), options: options)
      let value = [UInt8](repeating: 7, count: 10_000)
      #expect(throws: AppendError.self) {
        for _ in 0..<10_000 { try log.append(value) }
      }
      // The thread that would remove the files is kept from it.
      let gate = Guarded<Void>(())
      try gate.withLock { _ in
        store.core.later { gate.withLock { _ in } }
        let end = log.logEndOffset
        #expect(try log.removeSegments(before: end).removed > 0)
        for _ in 0..<200 { try log.append(value) }
      }
      try log.flush()
      #expect(log.durableOffset == log.logEndOffset)
      store.close()
    }
  }
}

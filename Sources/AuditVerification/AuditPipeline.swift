internal import ByteCoding
internal import PlatformIO

/// What takes the accounts of stretches, in their order.
protocol ChunkStage: Sendable {
  /// Takes the account of the next stretch.
  ///
  /// - Parameter segments: All that are planned; may be added to and changed.
  /// - Returns: Where the next stretch begins; `nil` to end.
  mutating func take(
    _ account: consuming ChunkAccount, _ request: ChunkSource.Request,
    _ segments: inout [PlannedSegment]
  ) -> ChunkSource.Cut?
}

/// Walks the segments of a stream with several threads: each takes the next stretch, makes its account, and
/// whoever has the one whose turn it is hands it, and those behind it, to the stage.
final class AuditPipeline<Stage: ChunkStage>: Sendable {
  private let source: Guarded<ChunkSource>
  private let queue = Guarded(Queue())
  private let stage: Guarded<Stage>
  /// Accounts that may wait for their turn.
  private let window: Int

  private struct Queue {
    var finished: [Int: (ChunkAccount, ChunkSource.Request)] = [:]
    var generation = 0
    /// The one whose turn it is.
    var sequence = 0
    /// Stretches that were taken and not handed on yet.
    var takenCount = 0
    var isDone = false

    mutating func take() -> (ChunkAccount, ChunkSource.Request)? {
      isDone ? nil : finished.removeValue(forKey: sequence)
    }
  }

  private init(_ source: ChunkSource, _ stage: consuming Stage, window: Int) {
    self.source = Guarded(source)
    self.stage = Guarded(stage)
    self.window = window
  }

  /// Walks to the end.
  ///
  /// - Parameters:
  ///   - workerCount: Threads, the caller's among them.
  static func run(_ source: ChunkSource, _ stage: consuming Stage, workerCount: Int) -> Stage {
    let pipeline = AuditPipeline(source, stage, window: workerCount + 1)
    var threads: [DedicatedThread] = []
    for _ in 1..<max(1, workerCount) {
      // With fewer threads it takes longer, no more.
      guard let thread = try? DedicatedThread.start(name: "audit", body: { pipeline.work() }) else {
        break
      }
      threads.append(thread)
    }
    pipeline.work()
    for thread in threads { thread.join() }
    return pipeline.stage.withLock { $0 }
  }

  private func work() {
    var buffer: [UInt8] = []
    while true {
      let (isDone, mayTake) = queue.withLock { queue in
        let mayTake = !queue.isDone && queue.takenCount < window
        if mayTake { queue.takenCount += 1 }
        return (queue.isDone, mayTake)
      }
      if isDone { return }
      guard mayTake, let request = source.withLock({ $0.next(&buffer) }) else {
        if mayTake { queue.withLock { $0.takenCount -= 1 } }
        // Somebody else has what is waited for.
        if !handOn() { Pause.briefly() }
        continue
      }
      let account = Self.walk(request, buffer)
      queue.withLock { queue in
        if queue.generation == request.generation {
          queue.finished[request.sequence] = (account, request)
        } else {
          queue.takenCount -= 1
        }
      }
      _ = handOn()
      if buffer.count > 4 * max(1 << 20, source.withLock { $0.chunkByteCount }) { buffer = [] }
    }
  }

  private static func walk(_ request: ChunkSource.Request, _ buffer: [UInt8]) -> ChunkAccount {
    if let failure = request.failure {
      var account = ChunkAccount()
      (account.start, account.end) = (request.cut.position, request.cut.position)
      account.stop = .failed(failure)
      return account
    }
    var walk = ChunkWalk(request.task)
    return walk.walk(
      buffer.rawSpan.extracting(0..<request.byteCount), start: request.cut.position)
  }

  /// Hands accounts on while it is their turn and nobody else does; answers whether there was one.
  private func handOn() -> Bool {
    var hasDone = false
    repeat {
      let isMine: Void? = stage.withLockIfAvailable { stage in
        while let (account, request) = queue.withLock({ $0.take() }) {
          hasDone = true
          take(account, request, &stage)
        }
      }
      if isMine == nil { return hasDone }
      // One that came between the last look and the end of the lock.
    } while queue.withLock({ !$0.isDone && $0.finished[$0.sequence] != nil })
    return hasDone
  }

  private func take(
    _ account: consuming ChunkAccount, _ request: ChunkSource.Request, _ stage: inout Stage
  ) {
    var segments = source.withLock { $0.segments }
    let next = stage.take(account, request, &segments)
    queue.withLock { queue in
      queue.takenCount -= 1
      queue.sequence += 1
      // Under both locks: an account of the new generation must not meet a queue of the old one.
      source.withLock { source in
        source.segments = segments
        guard let next, next != request.next else { return }
        source.restart(at: next)
        queue.takenCount -= queue.finished.count
        queue.finished = [:]
        (queue.generation, queue.sequence) = (source.generation, source.sequence)
      }
      if next == nil { queue.isDone = true }
    }
  }
}

/// A short wait of a thread for another one.
private enum Pause {
  static func briefly() {
    var word: UInt32 = 0
    unsafe withUnsafeMutablePointer(to: &word) { pointer in
      // Safety: the word lives for the closure, and nobody else knows of it.
      _ = unsafe FutexWord(at: UnsafeMutableRawPointer(pointer), .process).wait(
        ifEquals: 0, timeoutNanoseconds: 50_000)
    }
  }
}

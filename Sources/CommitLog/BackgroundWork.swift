internal import PlatformIO
internal import Synchronization

/// The threads of a store: one that commits, one that prepares and finishes segments, one that hashes, and once a
/// stream has a policy one that carries those out. In `inline` execution there are none, and everything runs on
/// the calling thread.
final class BackgroundWork: Sendable {
  private let execution: StoreOptions.Execution
  private let commitBell = Bell()
  private let jobBell = Bell()
  private let evidenceBell = Bell()
  private let keepBell = Bell()
  private let jobs = Guarded<[@Sendable () -> Void]>([])
  private let isStopping = Atomic<Bool>(false)
  private let threads = Guarded<[DedicatedThread]>([])

  /// A value of its own, so that no thunk is made around the function with each use.
  private struct Keeping: Sendable {
    let body: @Sendable () -> UInt64?
    var isStarted = false
  }

  private let keeping = Guarded<Keeping?>(nil)

  init(_ execution: StoreOptions.Execution) { self.execution = execution }

  func signalCommitter() {
    if execution == .threads { commitBell.ring() }
  }

  func signalEvidence() {
    if execution == .threads { evidenceBell.ring() }
  }

  func later(_ body: @escaping @Sendable () -> Void) {
    // Under the lock: behind the flag nobody would come for it.
    let isTaken = jobs.withLock { jobs -> Bool in
      guard execution == .threads, !isStopping.load(ordering: .acquiring) else { return false }
      jobs.append(body)
      return true
    }
    guard isTaken else { return body() }
    jobBell.ring()
  }

  /// Starts the threads. `committing` and `hashing` carry out what is due and return how long they can
  /// sleep.
  func start(
    time: any TimeSource, committing: @escaping @Sendable (_ now: UInt64) -> UInt64?,
    hashing: @escaping @Sendable () -> UInt64?, keeping: @escaping @Sendable () -> UInt64?
  ) throws(OpenError) {
    guard execution == .threads else { return }
    self.keeping.withLock { $0 = Keeping(body: keeping) }
    do {
      let commit = try DedicatedThread.start(name: "piperoll-commit") { [self] in
        while true {
          // Before the flag: what rings behind it is not slept through.
          let ticket = commitBell.ticket
          if isStopping.load(ordering: .acquiring) { return }
          let sleep = committing(time.monotonicNanoseconds())
          commitBell.wait(ticket, timeoutNanoseconds: sleep)
        }
      }
      let factory = try DedicatedThread.start(name: "piperoll-files") { [self] in
        while true {
          let ticket = jobBell.ticket
          let next = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
          if let next {
            next()
          } else if isStopping.load(ordering: .acquiring) {
            return
          } else {
            jobBell.wait(ticket, timeoutNanoseconds: nil)
          }
        }
      }
      let evidence = try DedicatedThread.start(name: "piperoll-hash") { [self] in
        while true {
          let ticket = evidenceBell.ticket
          if isStopping.load(ordering: .acquiring) { return }
          evidenceBell.wait(ticket, timeoutNanoseconds: hashing())
        }
      }
      threads.withLock { $0 = [commit, factory, evidence] }
    } catch {
      throw .fileSystem(FileSystemError(.lock, "thread", .outOfMemory))
    }
  }

  /// Has policies carried out soon. The thread is started when it is needed first; where that fails, the next call
  /// tries again.
  func keepSoon() {
    keeping.withLock { keeping in
      guard let body = keeping?.body, keeping?.isStarted == false,
        !isStopping.load(ordering: .acquiring)
      else { return }
      let thread = try? DedicatedThread.start(name: "piperoll-keep") { [self] in
        ThreadPriority.giveWay(niceness: 10)
        while true {
          let ticket = keepBell.ticket
          if isStopping.load(ordering: .acquiring) { return }
          keepBell.wait(ticket, timeoutNanoseconds: body())
        }
      }
      guard let thread else { return }
      keeping?.isStarted = true
      threads.withLock { $0.append(thread) }
    }
    keepBell.ring()
  }

  func stop() {
    isStopping.store(true, ordering: .sequentiallyConsistent)
    commitBell.ring()
    jobBell.ring()
    evidenceBell.ring()
    keepBell.ring()
    // Behind this nobody starts the thread that keeps.
    keeping.withLock { $0 = nil }
    let running = threads.withLock { list -> [DedicatedThread] in
      let running = list
      list = []
      return running
    }
    for thread in running { thread.join() }
    let left = jobs.withLock { jobs in
      defer { jobs = [] }
      return jobs
    }
    for job in left { job() }
  }
}

/// A word to sleep on, inside one process.
// Safety: the word is allocated in init and lives as long as the bell; access is atomic.
@safe private final class Bell: @unchecked Sendable {
  private let memory: UnsafeMutableRawPointer
  private let sleepers = Atomic<Int>(0)

  init() {
    unsafe memory = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
    unsafe memory.initializeMemory(as: UInt32.self, repeating: 0, count: 16)
  }

  deinit { unsafe memory.deallocate() }

  private var word: FutexWord { unsafe FutexWord(at: memory, .process) }

  var ticket: UInt32 { word.value }

  func ring() {
    _ = word.increment()
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 { word.wakeAll() }
  }

  func wait(_ ticket: UInt32, timeoutNanoseconds: UInt64?) {
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    _ = word.wait(ifEquals: ticket, timeoutNanoseconds: timeoutNanoseconds)
    sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
  }
}

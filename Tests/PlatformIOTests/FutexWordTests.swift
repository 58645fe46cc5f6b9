import Glibc
import PlatformIO
import Synchronization
import Testing

/// A word in memory of its own, freed with it.
private final class OwnedWord: Sendable {
  let word: FutexWord
  private let address: Int

  init(_ scope: FutexWord.Scope) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 4, alignment: 4)
    memory.storeBytes(of: 0, as: UInt32.self)
    address = Int(bitPattern: memory)
    word = FutexWord(at: memory, scope)
  }

  deinit { UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }
}

@Suite struct FutexWordTests {
  @Test(.timeLimit(.minutes(15)), arguments: [FutexWord.Scope.process, .machine])
  func `sleepers on other threads wake when the word changes`(_ scope: FutexWord.Scope) throws {
    let owned = OwnedWord(scope)
    let awake = Atomic<Int>(0)
    try withSleepers(3, on: owned) {
      awake.wrappingAdd(1, ordering: .relaxed)
    } whileSleeping: {
      owned.word.increment()
      owned.word.wakeAll()
    }
    #expect(awake.load(ordering: .relaxed) == 3)
  }

  @Test(arguments: [FutexWord.Scope.process, .machine])
  func `a wait ends at its limit`(_ scope: FutexWord.Scope) {
    let owned = OwnedWord(scope)
    let clock = SystemTime()
    let start = clock.monotonicNanoseconds()
    var outcome = FutexWord.Outcome.woken
    while outcome == .woken {
      outcome = owned.word.wait(ifEquals: 0, timeoutNanoseconds: 2_000_000)
    }
    #expect(outcome == .timedOut)
    #expect(clock.monotonicNanoseconds() - start >= 2_000_000)
  }

  @Test func `a word of another value is not slept on`() {
    let owned = OwnedWord(.process)
    owned.word.store(5)
    #expect(owned.word.value == 5)
    #expect(owned.word.wait(ifEquals: 4, timeoutNanoseconds: nil) == .changed)
    #expect(owned.word.decrement() == 4)
    owned.word.wakeOne()
  }

  private func withSleepers(
    _ count: Int, on owned: OwnedWord, _ onWake: @escaping @Sendable () -> Void,
    whileSleeping body: () -> Void
  ) throws {
    var threads: [DedicatedThread] = []
    for number in 0..<count {
      threads.append(
        try DedicatedThread.start(name: "sleeper \(number)") {
          while owned.word.value == 0 { _ = owned.word.wait(ifEquals: 0, timeoutNanoseconds: nil) }
          onWake()
        })
    }
    body()
    for thread in threads { thread.join() }
  }
}

import Glibc
import Synchronization
import Testing

@testable import PlatformIO

@Suite struct DedicatedThreadTests {
  @Test func `the body runs once, under its name, with signals blocked`() throws {
    let seen = Mutex<[String]>([])
    let thread = try DedicatedThread.start(name: "a name longer than that") {
      var name = [UInt8](repeating: 0, count: 16)
      let descriptor = open("/proc/thread-self/comm", O_RDONLY)
      read(descriptor, &name, name.count)
      close(descriptor)
      var mask = sigset_t()
      pthread_sigmask(SIG_BLOCK, nil, &mask)
      let text = String(decoding: name.prefix { $0 > 10 }, as: UTF8.self)
      let blocked = [SIGTERM, SIGINT, SIGCHLD].allSatisfy { sigismember(&mask, $0) == 1 }
      let open = [SIGBUS, SIGSEGV].allSatisfy { sigismember(&mask, $0) == 0 }
      seen.withLock { $0.append("\(text) \(blocked) \(open)") }
    }
    thread.join()
    thread.join()
    #expect(seen.withLock { $0 } == ["a name longer t true true"])
    #expect(!thread.isCurrent)
  }

  @Test func `what the body holds is released when it returns`() throws {
    final class Held: Sendable {}
    weak var weakly: Held?
    do {
      let held = Held()
      weakly = held
      let thread = try DedicatedThread.start(name: "holder") { _ = held }
      thread.join()
    }
    #expect(weakly == nil)
  }

  @Test func `a thread nobody waits for runs on`() throws {
    let done = DoneFlag()
    _ = try DedicatedThread.start(name: "alone") { done.set() }
    done.wait()
    #expect(done.isSet)
  }

  @Test func `a thread that cannot be created is an error`() {
    #expect(throws: ThreadCreationError(name: "huge", errorNumber: EAGAIN)) {
      try DedicatedThread.start(name: "huge", stackByteCount: 1 << 46) {}
    }
    #expect(throws: ThreadCreationError(name: "tiny", errorNumber: EINVAL)) {
      try DedicatedThread.start(name: "tiny", stackByteCount: 1) {}
    }
  }
}

/// Set once, waited for without spinning.
private final class DoneFlag: Sendable {
  private let address: Int
  private let word: FutexWord

  init() {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 4, alignment: 4)
    memory.storeBytes(of: 0, as: UInt32.self)
    address = Int(bitPattern: memory)
    word = FutexWord(at: memory, .process)
  }

  deinit { UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }

  func set() {
    word.store(1)
    word.wakeAll()
  }

  var isSet: Bool { word.value == 1 }

  func wait() {
    while word.value == 0 { _ = word.wait(ifEquals: 0, timeoutNanoseconds: nil) }
  }
}

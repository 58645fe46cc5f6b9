import Glibc
import PlatformIO
import Testing

@Suite struct ThreadPriorityTests {
  private static func niceness() -> Int32 { getpriority(.init(PRIO_PROCESS.rawValue), 0) }

  @Test func `a thread gives way, and those that it starts do`() throws {
    let seen = Guarded<[Int32]>([])
    let before = Self.niceness()
    let thread = try DedicatedThread.start(name: "first") {
      ThreadPriority.giveWay(niceness: 7)
      seen.withLock { $0.append(Self.niceness()) }
      // Never back.
      ThreadPriority.giveWay(niceness: 3)
      let inner = try? DedicatedThread.start(name: "second") {
        seen.withLock { $0.append(Self.niceness()) }
      }
      inner?.join()
    }
    thread.join()
    #expect(seen.withLock { $0 } == [max(7, before), max(7, before)])
    #expect(Self.niceness() == before)
  }
}

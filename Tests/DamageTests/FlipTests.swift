@testable import DamageScenarios
import CommitLog
import SimulatedIO
import Testing

@Suite struct HandleTests {
  @Test func `handles`() throws {
    let machine = try Population.make(seed: 1, byteCount: 100 << 10)
    print("after population", machine.disk.openHandleCount)
    do {
      let r = try machine.openReader()
      _ = r.streamNames
    }
    print("after reader", machine.disk.openHandleCount)
    do {
      let r = try machine.openReader()
      var l = try r.makeReader(of: StreamName("solo"))
      _ = try l.read { _ in }
    }
    print("after reading", machine.disk.openHandleCount)
    do { let s = try machine.open(); s.close() }
    print("after open", machine.disk.openHandleCount)
    for name in ["solo", "memory", "large"] {
      do { let s = try machine.open(); let l = try s.stream(StreamName(name)); try l.append([1]); try l.flush(); s.close() }
      print("after append", name, machine.disk.openHandleCount)
    }
  }
}

import CommitLog
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@Suite struct StreamOpenerTests {
  @Test func `a successor that cannot be opened for want of descriptors is not given up`() throws {
    try withStream(StreamLogCloseTests.rolling(.memory)) { machine, log in
      for index in 0..<15 { try log.append(bytes("record \(index)")) }
      let newest = try #require(StreamLogCloseTests.segments(machine).dropFirst().first)
      let image = machine.disk.crashImage(.processKill)
      image.faultPlan = .failing(
        .open, with: .tooManyOpenFiles, paths: .matching { $0 == newest }, forever: true)
      let store = try StreamLogCloseTests.reopen(machine, image)
      #expect(throws: OpenError.self) { try store.stream(StreamName("s")) }
      image.faultPlan = .none
      #expect(try store.stream(StreamName("s")).logEndOffset == log.visibleOffset)
      store.close()
    }
  }
}

import CommitLog
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@Suite struct StoreDirectoryTests {
  @Test func `a directory whose sync failed is made anew, not only synced again`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    machine.disk.faultPlan = .failing(
      .synchronizeDirectory, paths: .suffix("/data/s/s"), dropsDirtyPages: true)
    #expect(throws: OpenError.self) { try store.createStream(StreamName("x"), options: small()) }
    machine.disk.faultPlan = .none
    let log = try store.createStream(StreamName("x"), options: small())
    try log.append(bytes("kept"))
    try log.flush()
    let restarted = try StreamLogCloseTests.reopen(machine, machine.disk.crashImage(.loseAll))
    defer { restarted.close() }
    #expect(try values(restarted.stream(StreamName("x"))) == ["kept"])
    store.close()
  }
}

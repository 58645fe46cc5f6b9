import CPlatformTestSupport
import Glibc
import Testing

@testable import PlatformIO

@Suite struct ProcessIdentityTests {
  @Test func `the calling process is alive under its own start time only`() {
    let identity = ProcessIdentity.current
    #expect(identity.pid == getpid())
    #expect(identity.startTime > 0)
    #expect(identity.isAlive)
    #expect(ProcessIdentity.isAlive(pid: identity.pid, startTime: 0))
    #expect(!ProcessIdentity.isAlive(pid: identity.pid, startTime: identity.startTime + 1))
    #expect(!ProcessIdentity.isAlive(pid: 0, startTime: 0))
    #expect(!ProcessIdentity.isAlive(pid: -1, startTime: 0))
    #expect(!ProcessIdentity.isAlive(pid: .max, startTime: 0))
  }

  @Test func `another run of the machine is another process`() {
    let current = ProcessIdentity.current
    #expect(current.boot != BootIdentity(high: 0, low: 0))
    let other = ProcessIdentity(
      pid: current.pid, startTime: current.startTime, boot: BootIdentity(high: 1, low: 2))
    #expect(!other.isAlive)
  }

  @Test func `a program cannot hide its start time behind its name`() {
    let tail = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20\n"
    let status = ProcessStatus(parsing: Array("12 (a) Z 1 (b)\(tail)".utf8))
    #expect(status?.startTime == 777)
    #expect(status?.hasEnded == false)
    #expect(ProcessStatus(parsing: Array("12 (a".utf8)) == nil)
    #expect(ProcessStatus(parsing: Array("12 (a) S 1 2".utf8)) == nil)
    #expect(ProcessStatus(parsing: []) == nil)
  }

  @Test func `a boot identifier is 32 digits`() {
    let text = "00112233-4455-6677-8899-aabbccddeeff\n"
    #expect(
      BootIdentity(uuid: Array(text.utf8))
        == BootIdentity(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff))
    #expect(BootIdentity(uuid: Array("00112233".utf8)) == nil)
    #expect(BootIdentity(uuid: Array("+0112233-4455-6677-8899-aabbccddeeff".utf8)) == nil)
  }
}

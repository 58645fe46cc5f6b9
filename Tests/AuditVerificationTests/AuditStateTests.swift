import CommitLog
import Cryptography
import Integrity
import LogFormat
import Quantities
import Testing

@testable import AuditVerification

@Suite struct AuditStateTests {
  @Test func `a state is read back, and any other bytes are none`() throws {
    let streams = (0..<100 as Range<UInt64>).map {
      AuditState.Stream(
        streamID: $0 + 1, groupCount: $0, nextOffset: $0 * 3, head: SHA256.digest([UInt8($0)]))
    }
    let state = AuditState(storeID: [UInt8](repeating: 5, count: 16), streams: streams)
    #expect(state.streams.count == AuditState.streamCountLimit)
    let bytes = state.encoded
    #expect(bytes.count <= AuditState.byteCountLimit)
    #expect(AuditState(bytes) == state)
    for index in stride(from: 0, to: bytes.count, by: 13) {
      var other = bytes
      other[index] ^= 4
      #expect(AuditState(other) == nil)
      #expect(AuditState(Array(bytes[..<index])) == nil)
    }
  }

  @Test(arguments: [EvidenceClass.tree, .chain])
  func `a later audit goes on from an earlier one`(_ evidence: EvidenceClass) throws {
    let rig = try AuditRig.store(streams: [("s", evidence)], count: 900, rounds: 3)
    let earlier = try rig.audit()
    let state = try #require(earlier.state)
    let before = try #require(earlier.report.streams.first)
    #expect(state.streams.first?.nextOffset == before.nextOffset)
    let nothing = try rig.report { $0.earlier = state }
    #expect(nothing.verdict == .proven, "\(described(nothing))")
    try rig.writing { store in
      try AuditRig.append(900, to: try store.stream(StreamName("s")), seed: 77)
    }
    let whole = try rig.audit()
    let again = try rig.audit { $0.earlier = state }
    #expect(again.report.verdict == .proven, "\(described(again.report))")
    let later = try #require(again.report.streams.first)
    let all = try #require(whole.report.streams.first)
    #expect(later.resumedOffset == before.nextOffset && later.head == all.head)
    #expect(later.root == all.root && later.groupCount < all.groupCount)
    #expect(later.byteCount < all.byteCount)
    #expect(again.state == whole.state)
  }

  @Test func `a log that is shorter or another than at an earlier audit is told`() throws {
    let rig = try AuditRig.store(count: 500, rounds: 3)
    var state = try #require(try rig.audit().state)
    let shorter = try AuditRig.store(count: 500, rounds: 2)
    let cut = try shorter.report { $0.earlier = state }
    #expect(cut.findings.map(\.rule) == [.truncated], "\(described(cut))")
    state.streams[0].head = SHA256.digest([1])
    let other = try rig.report { $0.earlier = state }
    #expect(other.findings.map(\.rule) == [.rewritten], "\(described(other))")
    state.storeID = [UInt8](repeating: 0, count: 16)
    #expect(throws: AuditError.self) { try rig.report { $0.earlier = state } }
  }
}

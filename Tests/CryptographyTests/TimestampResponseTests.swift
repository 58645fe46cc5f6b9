import Cryptography
import TestSupport
import Testing

@Suite struct TimestampResponseTests {
  @Test func `a refusal tells status, words and reasons`() throws {
    let authority = try TimestampAuthority()
    let request = try TimestampRequest(
      imprint: SHA256.digest([1]), nonce: [9], policy: "1.2.3.99")
    let bytes = try authority.reply(request.encoded())
    do throws(TimestampError) {
      _ = try TimestampResponse(bytes)
      Issue.record("accepted")
    } catch {
      guard case .refused(status: 2, let texts, failures: [.unacceptedPolicy]) = error else {
        throw error
      }
      #expect(texts == ["Requested policy is not supported."])
    }
    // By hand: bits 2 and 25, and a text with an escape that would steer a terminal.
    let text = Array("no\u{1b}[2J".utf8)
    let strings = [0x30, UInt8(text.count + 2), 0x0c, UInt8(text.count)] + text
    let status: [UInt8] =
      [0x02, 0x01, 0x02] + strings + [0x03, 0x05, 0x06, 0x20, 0x00, 0x00, 0x40]
    let response = [0x30, UInt8(status.count + 2), 0x30, UInt8(status.count)] + status
    #expect(
      throws: TimestampError.refused(
        status: 2, texts: ["no\u{fffd}[2J"], failures: [.badRequest, .systemFailure])
    ) {
      try TimestampResponse(response)
    }
  }

  @Test func `bytes that are no response are refused`() throws {
    for bytes in [[], [0x30], [0x30, 0], [0x30, 0x80], [0x30, 0x84, 0xff, 0xff, 0xff, 0xff]]
      as [[UInt8]]
    {
      #expect(throws: TimestampError.malformed) { try TimestampResponse(bytes) }
    }
    // Granted, but without a token.
    #expect(throws: TimestampError.malformed) {
      try TimestampResponse([0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00])
    }
    let large = [UInt8](repeating: 0x30, count: TimestampResponse.byteCountLimit + 1)
    #expect(
      throws: TimestampError.tooLarge(
        byteCount: large.count, limit: TimestampResponse.byteCountLimit)
    ) {
      try TimestampResponse(large)
    }
    var random = SeededGenerator()
    for _ in 0..<2_000 {
      let bytes = [0x30] + random.bytes(random.below(60))
      #expect(throws: TimestampError.self) { try TimestampResponse(bytes) }
    }
  }
}

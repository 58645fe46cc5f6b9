import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct SubjectKeyTests {
  private let stream = [UInt8](0..<16)

  @Test func `a salt is the code of context, stream and offset`() throws {
    var random = SeededGenerator()
    for _ in 0..<100 {
      let (bytes, offset) = (random.bytes(32), random.next())
      let key = SubjectKey(try #require(SecretKey(bytes)))
      // As the documentation says it, from the plain function.
      var message = Array("piperoll record salt v1\n".utf8) + stream
      message.appendLittleEndian(offset)
      #expect(
        key.salt(streamID: stream, offset: offset)
          == HMACSHA256.code(of: message, key: bytes).bytes)
    }
  }

  @Test func `salts differ by subject, stream and offset`() throws {
    var salts: Set<[UInt8]> = []
    for byte in 0..<4 as Range<UInt8> {
      let secret = try #require(SecretKey([UInt8](repeating: byte, count: 32)))
      for last in 0..<4 as Range<UInt8> {
        for offset in 0..<64 as Range<UInt64> {
          let salt = SubjectKey(secret).salt(
            streamID: [UInt8](repeating: 0, count: 15) + [last], offset: offset)
          #expect(salt.count == RecordContent.saltByteCount)
          salts.insert(salt)
        }
      }
    }
    #expect(salts.count == 4 * 4 * 64)
  }

  @Test func `without the key a commitment is one of any payload`() throws {
    let key = SubjectKey(try #require(SecretKey([UInt8](repeating: 1, count: 32))))
    let other = SubjectKey(try #require(SecretKey([UInt8](repeating: 2, count: 32))))
    let commitments = [key, other].map {
      RecordContent.commitment(
        key: nil, type: nil, headers: [], value: Array("yes".utf8),
        salt: $0.salt(streamID: stream, offset: 7))
    }
    #expect(commitments[0] != commitments[1])
  }
}

import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct PayloadCipherTests {
  private let stream = [UInt8](0..<16)
  private let place = PayloadCipher.Place(offset: 77, keyByteCount: 3, typeByteCount: nil)
  private let payload = Array("a payload".utf8)

  private func cipher(_ byte: UInt8 = 1, stream: [UInt8]? = nil) throws -> PayloadCipher {
    let secret = try #require(SecretKey([UInt8](repeating: byte, count: 32)))
    return SubjectKey(secret).cipher(streamID: stream ?? self.stream)
  }

  private func error(_ cipher: PayloadCipher, _ sealed: [UInt8], _ place: PayloadCipher.Place)
    -> PayloadCipherError?
  {
    do throws(PayloadCipherError) {
      _ = try cipher.open(sealed, at: place)
      return nil
    } catch {
      return error
    }
  }

  @Test func `a sealed payload has the bytes that the documentation says`() throws {
    var random = SeededGenerator()
    for count in 0..<60 {
      let (subject, message) = (random.bytes(32), random.bytes(count))
      let (offset, epoch) = (random.next(), UInt32(truncatingIfNeeded: random.next()))
      let sealed = try SubjectKey(#require(SecretKey(subject))).cipher(streamID: stream)
        .seal(message, at: .init(offset: offset, keyByteCount: 3), epoch: epoch)

      let key = HMACSHA256.code(of: Array("piperoll payload key v1\n".utf8) + stream, key: subject)
        .bytes
      var checked = Array("piperoll payload check v1\n".utf8)
      checked.appendLittleEndian(offset)
      var head: [UInt8] = [1]
      head.appendLittleEndian(epoch)
      head += HMACSHA256.code(of: checked, key: key).bytes.prefix(16)
      var data = Array("piperoll payload v1\n".utf8) + stream
      for word in [offset, 4, 0] { data.appendLittleEndian(word) }
      var nonce: [UInt8] = []
      nonce.appendLittleEndian(epoch)
      nonce.appendLittleEndian(offset)
      let expected = try AESGCM.seal(message, authenticating: data + head, key: key, nonce: nonce)
      #expect(sealed == head + expected)
      #expect(sealed.count == message.count + PayloadCipher.overheadByteCount)
    }
  }

  @Test func `what was sealed is opened, at its place alone`() throws {
    let sealed = try cipher().seal(payload, at: place, epoch: 5)
    #expect(try cipher().open(sealed, at: place) == payload)
    #expect(try error(cipher(2), sealed, place) == .wrongKey(offset: 77))
    let otherStream = try cipher(stream: [UInt8](repeating: 9, count: 16))
    #expect(error(otherStream, sealed, place) == .wrongKey(offset: 77))
    #expect(
      try error(cipher(), sealed, .init(offset: 78, keyByteCount: 3)) == .wrongKey(offset: 78))
    for other in [
      PayloadCipher.Place(offset: 77), .init(offset: 77, keyByteCount: 4),
      .init(offset: 77, keyByteCount: 3, typeByteCount: 0),
    ] {
      #expect(try error(cipher(), sealed, other) == .changed(offset: 77))
    }
  }

  @Test func `every flipped bit and every cut of a sealed payload has its error`() throws {
    let cipher = try cipher()
    let sealed = try cipher.seal(payload, at: place, epoch: 5)
    for bit in 0..<sealed.count * 8 {
      var other = sealed
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      let found = error(cipher, other, place)
      #expect(found == (bit < 8 ? .unknownVersion(other[0]) : .changed(offset: 77)), "bit \(bit)")
    }
    for count in 0..<sealed.count {
      let cut = Array(sealed.prefix(count))
      let found = error(cipher, cut, place)
      let isShort = count < PayloadCipher.overheadByteCount
      #expect(found == (isShort ? .cut(byteCount: count) : .changed(offset: 77)))
    }
    #expect(error(cipher, sealed + [0], place) == .changed(offset: 77))
  }

  @Test func `neither key check nor ciphertext of two records is the same`() throws {
    var seen: Set<[UInt8]> = []
    for stream in 0..<3 as Range<UInt8> {
      for offset in 0..<20 as Range<UInt64> {
        for epoch in 0..<3 as Range<UInt32> {
          let sealed = try cipher(stream: [UInt8](repeating: stream, count: 16))
            .seal(payload, at: .init(offset: offset), epoch: epoch)
          seen.insert(Array(sealed[21...]))
        }
      }
    }
    #expect(seen.count == 3 * 20 * 3)
  }
}

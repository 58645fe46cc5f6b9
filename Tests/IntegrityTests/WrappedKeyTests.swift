import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct WrappedKeyTests {
  private let nonce = [UInt8](repeating: 3, count: 12)
  private let name = Array("alice".utf8)

  private func secret(_ byte: UInt8) throws -> SecretKey {
    try #require(SecretKey([UInt8](repeating: byte, count: 32)))
  }

  private func error(_ bytes: [UInt8], _ master: SecretKey, _ name: [UInt8]) -> WrappedKeyError? {
    do throws(WrappedKeyError) {
      _ = try WrappedKey(bytes.rawSpan).key(under: master, for: name)
      return nil
    } catch {
      return error
    }
  }

  @Test func `a wrapped key has the bytes that its table says`() throws {
    let (key, master) = (try secret(1), try secret(2))
    let wrapped = try WrappedKey(key, by: master, for: name, nonce: nonce)
    let number = HMACSHA256.code(
      of: Array("piperoll master key number v1\n".utf8), key: [UInt8](repeating: 2, count: 32)
    ).bytes.prefix(8)
    let head = Array("PRWK".utf8) + [1, 0, 0, 0] + number
    let sealed = try AESGCM.seal(
      [UInt8](repeating: 1, count: 32),
      authenticating: Array("piperoll wrapped key v1\n".utf8) + head + name,
      key: [UInt8](repeating: 2, count: 32), nonce: nonce)
    #expect(wrapped.encoded == head + nonce + sealed)
    #expect(wrapped.encoded.count == WrappedKey.byteCount)
    let opened = try WrappedKey(wrapped.encoded.rawSpan).key(under: master, for: name)
    #expect(opened.withBytes { $0.copyBytes() } == [UInt8](repeating: 1, count: 32))
    // The way from a subject's key makes the same.
    #expect(try SubjectKey(key).wrapped(by: master, for: name, nonce: nonce) == wrapped)
    #expect(throws: CryptographyError.keyLength(expected: 12, found: 11)) {
      try WrappedKey(key, by: master, for: name, nonce: [UInt8](repeating: 0, count: 11))
    }
  }

  @Test func `another master key, another subject and every changed bit have their errors`()
    throws
  {
    let (master, other) = (try secret(2), try secret(4))
    let bytes = try WrappedKey(secret(1), by: master, for: name, nonce: nonce).encoded
    #expect(
      error(bytes, other, name)
        == .masterKey(
          expected: WrappedKey.number(of: master), given: WrappedKey.number(of: other)))
    #expect(error(bytes, master, Array("bob".utf8)) == .changed)
    for bit in 0..<bytes.count * 8 {
      var flipped = bytes
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      let found = error(flipped, master, name)
      switch bit / 8 {
      case 0..<8: #expect(found == .form)
      case 8..<16:
        guard case .masterKey = found else {
          Issue.record("bit \(bit): \(String(describing: found))")
          continue
        }
      default: #expect(found == .changed)
      }
    }
    for count in [0, 1, 75, 77, 200] {
      let cut = Array((bytes + bytes + bytes).prefix(count))
      #expect(error(cut, master, name) == .length(found: count))
    }
  }
}

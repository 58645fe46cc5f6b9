import Cryptography
import TestSupport
import Testing

@testable import Integrity

@Suite struct COSEReceiptTests {
  /// Just enough of CBOR to read a receipt again.
  private indirect enum Value: Hashable {
    case number(Int64)
    case bytes([UInt8])
    case text(String)
    case array([Value])
    case map([Value: Value])
    case tagged(UInt64, Value)
    case null

    static func read(_ bytes: [UInt8]) throws -> Value {
      var rest = bytes[...]
      let value = try read(&rest)
      try #require(rest.isEmpty)
      return value
    }

    private static func byte(_ rest: inout ArraySlice<UInt8>) throws -> UInt8 {
      let byte = rest.popFirst()
      return try #require(byte)
    }

    private static func read(_ rest: inout ArraySlice<UInt8>) throws -> Value {
      let first = try byte(&rest)
      if first == 0xf6 { return .null }
      var length = UInt64(first & 31)
      if length >= 24 {
        let count = 1 << (Int(length) - 24)
        length = 0
        for _ in 0..<count { length = length << 8 | UInt64(try byte(&rest)) }
      }
      switch first >> 5 {
      case 0: return .number(Int64(length))
      case 1: return .number(-1 - Int64(length))
      case 2, 3:
        try #require(rest.count >= Int(length))
        defer { rest = rest.dropFirst(Int(length)) }
        let bytes = Array(rest.prefix(Int(length)))
        return first >> 5 == 2 ? .bytes(bytes) : .text(String(decoding: bytes, as: UTF8.self))
      case 4: return .array(try (0..<length).map { _ in try read(&rest) })
      case 5:
        var map: [Value: Value] = [:]
        for _ in 0..<length { map[try read(&rest)] = try read(&rest) }
        return .map(map)
      default: return .tagged(length, try read(&rest))
      }
    }
  }

  private static func key() throws -> NoteSignerKey {
    try NoteSignerKey(
      name: #require(KeyName("example.com/log")), seed: [UInt8](repeating: 4, count: 32))
  }

  @Test func `a receipt has the proof, and a signature over the root`() throws {
    let tree = SlowTree.counting(11)
    let root = tree.root(of: 0..<11)
    let key = try Self.key()
    let inclusion = tree.inclusionProof(index: 6, size: 11)
    let consistency = tree.consistencyProof(oldSize: 5, size: 11)
    let receipts: [(COSEReceipt, Int64, [Value], [UInt8])] = [
      (
        try COSEReceipt(inclusion: inclusion, root: root, key: key), -1,
        [.number(11), .number(6), .array(inclusion.path.map { .bytes($0.bytes) })], []
      ),
      (
        try COSEReceipt(consistency: consistency, root: root, keyID: [1, 2], key: key), -2,
        [.number(5), .number(11), .array(consistency.path.map { .bytes($0.bytes) })], [1, 2]
      ),
    ]
    for (receipt, kind, proof, keyID) in receipts {
      guard case .tagged(18, .array(let parts)) = try Value.read(receipt.bytes), parts.count == 4,
        case .bytes(let header) = parts[0], case .map(let unprotected) = parts[1],
        case .map(let proofs)? = unprotected[.number(396)],
        case .array(let all)? = proofs[.number(kind)], case .bytes(let only)? = all.first,
        case .bytes(let signature) = parts[3]
      else {
        Issue.record("not a receipt: \(receipt.bytes)")
        continue
      }
      var expected: [Value: Value] = [.number(1): .number(-8), .number(395): .number(1)]
      if !keyID.isEmpty { expected[.number(4)] = .bytes(keyID) }
      #expect(try Value.read(header) == .map(expected))
      #expect(parts[2] == .null && all.count == 1)
      #expect(try Value.read(only) == .array(proof))
      var signed = CBORWriter()
      signed.beginArray(count: 4)
      signed.append(text: "Signature1")
      signed.append(bytes: header)
      signed.append(bytes: [])
      signed.append(bytes: root.bytes)
      #expect(
        try Ed25519.isValid(signature, of: signed.bytes, publicKey: key.verifier.publicKey))
    }
  }

  @Test func `numbers are written as short as they can be`() {
    let examples: [(UInt64, [UInt8])] = [
      (0, [0]), (23, [0x17]), (24, [0x18, 0x18]), (255, [0x18, 0xff]), (256, [0x19, 1, 0]),
      (65_535, [0x19, 0xff, 0xff]), (65_536, [0x1a, 0, 1, 0, 0]),
      (1 << 32, [0x1b, 0, 0, 0, 1, 0, 0, 0, 0]),
      (.max, [0x1b] + [UInt8](repeating: 0xff, count: 8)),
    ]
    for (value, bytes) in examples {
      var writer = CBORWriter()
      writer.append(value)
      #expect(writer.bytes == bytes)
    }
    var writer = CBORWriter()
    writer.append(Int64(-1))
    writer.append(Int64(-500))
    writer.append(Int64.min)
    #expect(
      writer.bytes == [0x20, 0x39, 0x01, 0xf3, 0x3b, 0x7f] + [UInt8](repeating: 0xff, count: 7))
  }
}

public import Cryptography

/// Receipts of a log in COSE (RFC 9942): a signature of the log over its root, with the path from a leaf to
/// it. The tree is the same as that of the checkpoints (RFC 9162 with SHA-256).
public struct COSEReceipt: Hashable, Sendable {
  /// The receipt: a tagged COSE_Sign1 (RFC 9052) whose payload, the root, is detached.
  public let bytes: [UInt8]

  /// Labels of RFC 9942 and the registries it uses.
  private enum Label {
    static let algorithm: Int64 = 1
    static let keyID: Int64 = 4
    static let dataStructure: Int64 = 395
    static let proofs: Int64 = 396
    static let inclusion: Int64 = -1
    static let consistency: Int64 = -2
  }

  /// A receipt that a leaf is in the tree with some root.
  ///
  /// - Parameters:
  ///   - proof: Where the leaf is.
  ///   - root: The root of that tree.
  ///   - keyID: What tells the log's keys apart; goes into the protected header, unless it is empty.
  ///   - key: The log's key.
  /// - Throws: ``NoteError``: `.key` for keys that do not sign, `.cryptography`.
  public init(
    inclusion proof: InclusionProof, root: Digest, keyID: [UInt8] = [], key: NoteSignerKey
  ) throws(NoteError) {
    var cbor = CBORWriter()
    cbor.beginArray(count: 3)
    cbor.append(proof.size)
    cbor.append(proof.index)
    cbor.append(proof.path)
    try self.init(Label.inclusion, cbor.bytes, root: root, keyID: keyID, key: key)
  }

  /// A receipt that the tree with some root goes on from an earlier one.
  ///
  /// - Parameters:
  ///   - proof: From which size to which.
  ///   - root: The root of the later tree.
  ///   - keyID: As for inclusion.
  ///   - key: The log's key.
  /// - Throws: ``NoteError``: `.key` for keys that do not sign, `.cryptography`.
  public init(
    consistency proof: ConsistencyProof, root: Digest, keyID: [UInt8] = [], key: NoteSignerKey
  ) throws(NoteError) {
    var cbor = CBORWriter()
    cbor.beginArray(count: 3)
    cbor.append(proof.range.upperBound)
    cbor.append(proof.size)
    cbor.append(proof.path)
    try self.init(Label.consistency, cbor.bytes, root: root, keyID: keyID, key: key)
  }

  private init(
    _ kind: Int64, _ proof: [UInt8], root: Digest, keyID: [UInt8], key: NoteSignerKey
  ) throws(NoteError) {
    var header = CBORWriter()
    header.beginMap(count: keyID.isEmpty ? 2 : 3)
    header.append(Label.algorithm)
    // EdDSA (RFC 9053).
    header.append(Int64(-8))
    if !keyID.isEmpty {
      header.append(Label.keyID)
      header.append(bytes: keyID)
    }
    header.append(Label.dataStructure)
    // RFC9162_SHA256.
    header.append(UInt64(1))

    var signed = CBORWriter()
    signed.beginArray(count: 4)
    signed.append(text: "Signature1")
    signed.append(bytes: header.bytes)
    signed.append(bytes: [])
    signed.append(bytes: root.bytes)
    let signature = try key.signature(of: signed.bytes)

    var receipt = CBORWriter()
    receipt.append(tag: 18)
    receipt.beginArray(count: 4)
    receipt.append(bytes: header.bytes)
    receipt.beginMap(count: 1)
    receipt.append(Label.proofs)
    receipt.beginMap(count: 1)
    receipt.append(kind)
    receipt.beginArray(count: 1)
    receipt.append(bytes: proof)
    receipt.appendNull()
    receipt.append(bytes: signature)
    bytes = receipt.bytes
  }
}

/// Writes CBOR (RFC 8949) with definite lengths and shortest numbers, which is its deterministic form when
/// the caller orders the keys of maps.
struct CBORWriter {
  private(set) var bytes: [UInt8] = []

  private mutating func begin(_ major: UInt8, _ value: UInt64) {
    let top = major << 5
    switch value {
    case 0..<24: bytes.append(top | UInt8(value))
    case 24..<(1 << 8): bytes += [top | 24, UInt8(value)]
    case (1 << 8)..<(1 << 16): big(top | 25, value, 2)
    case (1 << 16)..<(1 << 32): big(top | 26, value, 4)
    default: big(top | 27, value, 8)
    }
  }

  private mutating func big(_ first: UInt8, _ value: UInt64, _ count: Int) {
    bytes.append(first)
    for index in (0..<count).reversed() {
      bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index)))
    }
  }

  mutating func append(_ value: UInt64) { begin(0, value) }

  mutating func append(_ value: Int64) {
    if value >= 0 { begin(0, UInt64(value)) } else { begin(1, UInt64(-1 - value)) }
  }

  mutating func append(bytes value: [UInt8]) {
    begin(2, UInt64(value.count))
    bytes += value
  }

  mutating func append(text value: String) {
    begin(3, UInt64(value.utf8.count))
    bytes += Array(value.utf8)
  }

  mutating func append(_ path: [Digest]) {
    beginArray(count: path.count)
    for hash in path { append(bytes: hash.bytes) }
  }

  mutating func beginArray(count: Int) { begin(4, UInt64(count)) }

  mutating func beginMap(count: Int) { begin(5, UInt64(count)) }

  mutating func append(tag: UInt64) { begin(6, tag) }

  mutating func appendNull() { bytes.append(0xf6) }
}

import ByteCoding
import Cryptography
import Integrity
import Testing

@Suite struct HashChainTests {
  private static func header(_ sequence: UInt64) -> GroupHeader {
    GroupHeader(
      storeID: (0..<16).map { UInt8($0) }, streamID: 0xa1, sequence: sequence,
      firstOffset: 10 * sequence, nextOffset: 10 * sequence + 10, firstAppendTime: -1,
      lastAppendTime: 0xb2, recordCount: 9, treeSize: 10 * sequence + 10,
      root: SHA256.digest([UInt8(sequence)]))
  }

  @Test func `a header is written as its table says`() {
    let expected =
      "000102030405060708090a0b0c0d0e0f" + "a100000000000000" + "0200000000000000"
      + "1400000000000000" + "1e00000000000000" + "ffffffffffffffff" + "b200000000000000"
      + "0900000000000000" + "1e00000000000000" + SHA256.digest([2]).description
    #expect(Hexadecimal.text(Self.header(2).encoded) == expected)
    #expect(Self.header(2).encoded.count == GroupHeader.byteCount)
  }

  @Test func `a link follows from the one before it and its group, by the text`() {
    var chain = HashChain()
    var expected = [UInt8](repeating: 0, count: 32)
    for sequence in 1...5 as ClosedRange<UInt64> {
      chain.append(Self.header(sequence))
      let context = Array("piperoll group chain v1\n".utf8)
      expected = SHA256.digest(context + expected + Self.header(sequence).encoded).bytes
      #expect(chain.head.bytes == expected && chain.count == sequence)
    }
    var kept = HashChain(count: chain.count, head: chain.head)
    kept.append(Self.header(6))
    chain.append(Self.header(6))
    #expect(kept == chain)
  }

  @Test func `no group can be changed, left out or moved`() {
    let headers = (1...4).map { Self.header(UInt64($0)) }
    func head(_ headers: [GroupHeader]) -> Digest {
      headers.reduce(Digest()) { HashChain.link($1, after: $0) }
    }
    let whole = head(headers)
    var changed = headers
    changed[1].recordCount += 1
    var others = [changed, Array(headers.dropLast()), Array(headers.dropFirst())]
    others.append([headers[1], headers[0], headers[2], headers[3]])
    others.append(headers + [headers[3]])
    for other in others { #expect(head(other) != whole) }
  }
}

import ByteCoding
import Cryptography
import TestSupport
import Testing

@Suite struct SHA256Tests {
  static let kernels = SHA256.Kernel.allCases.filter(\.isSupported)

  @Test(arguments: kernels)
  func `the examples of FIPS 180-4`(_ kernel: SHA256.Kernel) {
    let examples = [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ]
    // All together, so that they share the lanes.
    let bytes = examples.flatMap { Array($0.0.utf8) }
    var ranges: [Range<Int>] = []
    for (text, _) in examples {
      let start = ranges.last?.upperBound ?? 0
      ranges.append(start..<(start + text.utf8.count))
    }
    let digests = SHA256.digests(of: ranges, in: bytes.rawSpan, kernel: kernel)
    #expect(digests.map(\.description) == examples.map(\.1))
  }

  /// Digests by libcrypto, one message at a time.
  private func reference(_ messages: [[UInt8]]) -> [Digest] { messages.map { SHA256.digest($0) } }

  @Test(arguments: kernels)
  func `every length around the ends of blocks, in every number of lanes`(_ kernel: SHA256.Kernel) {
    var random = SeededGenerator(seed: 1)
    let bytes = random.bytes(700)
    for prefix in [[], [0], [1, 2, 3], random.bytes(63), random.bytes(64), random.bytes(130)] {
      let ranges = (0..<260).map { length in (length % 7)..<(length % 7 + length) }
      let digests = SHA256.digests(of: ranges, in: bytes.rawSpan, prefix: prefix, kernel: kernel)
      #expect(digests == reference(ranges.map { prefix + bytes[$0] }))
    }
    for count in 0..<50 {
      let ranges = (0..<count).map { _ in
        let start = random.below(300)
        return start..<(start + random.below(400))
      }
      let digests = SHA256.digests(of: ranges, in: bytes.rawSpan, kernel: kernel)
      #expect(digests == reference(ranges.map { Array(bytes[$0]) }), "\(count) messages")
    }
  }

  @Test(arguments: kernels)
  func `short messages of equal length`(_ kernel: SHA256.Kernel) {
    var random = SeededGenerator(seed: 2)
    for byteCount in 1...SHA256.shortByteCountLimit {
      let count = byteCount % 40
      let bytes = random.bytes(count * byteCount)
      let digests = SHA256.digests(
        prefix: 9, of: bytes.rawSpan, byteCount: byteCount, kernel: kernel)
      let messages = (0..<count).map { [9] + bytes[($0 * byteCount)..<(($0 + 1) * byteCount)] }
      #expect(digests == reference(messages), "\(count) messages of \(byteCount)")
    }
  }

  /// Runs of one size behind one prefix, as streams of small records have them, broken now and then.
  @Test(arguments: kernels)
  func `messages of one size behind one prefix, and others between`(_ kernel: SHA256.Kernel) {
    var random = SeededGenerator(seed: 4)
    let (bytes, prefixes) = (random.bytes(4_096), random.bytes(256))
    for round in 0..<400 {
      let count = random.below(70)
      var (size, prefix) = (random.below(130), 0..<random.below(round % 4 == 0 ? 130 : 12))
      let parts = (0..<count).map { _ -> (prefix: Range<Int>, content: Range<Int>) in
        if random.below(40) == 0 { size = random.below(300) }
        if random.below(40) == 0 {
          let start = random.below(100)
          prefix = start..<(start + random.below(20))
        }
        // Also at both ends of the memory, which nothing may be read beyond.
        let place = [0, bytes.count - size, random.below(bytes.count - size)][random.below(3)]
        return (prefix, place..<(place + size))
      }
      let digests = SHA256.digests(
        of: parts.map { SHA256.Message(prefix: $0.prefix, content: $0.content) },
        in: bytes.rawSpan, prefixes: prefixes.rawSpan, kernel: kernel)
      let messages = parts.map { Array(prefixes[$0.prefix]) + bytes[$0.content] }
      #expect(digests == reference(messages), "round \(round)")
    }
  }

  @Test func `a message in two parts is the same message`() {
    var random = SeededGenerator(seed: 3)
    for _ in 0..<200 {
      let (first, second) = (random.bytes(random.below(90)), random.bytes(random.below(200)))
      #expect(SHA256.digest(prefix: first, second.rawSpan) == SHA256.digest(first + second))
    }
  }

  @Test func `the best kernel is one of those this machine can run`() {
    #expect(SHA256.Kernel.best.isSupported && SHA256.Kernel.best.rawValue >= 0)
  }
}

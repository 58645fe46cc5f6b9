/// Where the engine gets randomness: salts and identifiers. Production uses the kernel's generator.
public protocol RandomSource: AnyObject, Sendable {
  /// 64 bits nobody can predict (`SystemRandom`) or a test can repeat (`SeededRandom`).
  func next() -> UInt64
}

/// The kernel's random numbers (`getrandom`), by way of the standard library.
///
/// They differ in a forked child and after a restored snapshot of a virtual machine, since nothing
/// is kept in the process.
public final class SystemRandom: RandomSource {
  /// Makes a source; all are alike.
  public init() {}

  public func next() -> UInt64 {
    var generator = SystemRandomNumberGenerator()
    return generator.next()
  }
}

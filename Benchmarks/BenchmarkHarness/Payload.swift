/// The payloads that are written: some hundred different records, one after the other, filled with
/// reproducible noise. A contender takes them in turn.
@safe
public final class Payload: @unchecked Sendable {
  // Safety: the bytes are written in `init` only and read-only afterwards.
  private let storage: UnsafeMutableRawBufferPointer

  /// Bytes of one record.
  public let recordByteCount: Int
  /// How many different records there are; at least as many as the largest batch.
  public let recordCount: Int

  /// Creates payloads.
  public init(recordByteCount: Int, recordCount: Int) {
    self.recordByteCount = recordByteCount
    self.recordCount = recordCount
    let byteCount = max(recordByteCount * recordCount, 1)
    unsafe storage = .allocate(byteCount: byteCount, alignment: 64)
    var generator = NoiseGenerator(seed: 0x5EED)
    for index in 0..<byteCount {
      unsafe storage[index] = UInt8(truncatingIfNeeded: generator.next() >> 32)
    }
  }

  deinit {
    unsafe storage.deallocate()
  }

  /// All payloads, one after the other.
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(storage))
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// All payloads, as C takes them; valid as long as this object.
  public var unsafeBytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(storage) }

  /// The payload of a turn.
  ///
  /// - Parameter turn: Not negative; taken modulo `recordCount`.
  @_lifetime(borrow self)
  public func record(_ turn: Int) -> RawSpan {
    let start = turn % recordCount * recordByteCount
    let part = unsafe UnsafeRawBufferPointer(rebasing: storage[start..<start + recordByteCount])
    let span = unsafe RawSpan(_unsafeBytes: part)
    return unsafe _overrideLifetime(span, borrowing: self)
  }
}

/// A small generator of reproducible noise (SplitMix64), for payloads and random positions.
public struct NoiseGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts a sequence; equal seeds give equal sequences.
  public init(seed: UInt64) {
    state = seed
  }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number in `0..<bound`, the same for all contenders that start with the same seed.
  public mutating func next(below bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }
}

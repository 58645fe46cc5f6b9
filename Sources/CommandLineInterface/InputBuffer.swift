/// A window on a byte source: bytes that were read and not yet consumed.
struct InputBuffer<Source: ByteSource>: ~Copyable {
  /// Bytes asked of the source at once.
  let readByteCount: Int
  private var source: Source
  private var storage: [UInt8]
  private var start = 0
  private var end = 0
  private(set) var isAtEnd = false
  /// The place of the first unconsumed byte, counted from the start of the input.
  private(set) var position: UInt64 = 0

  init(_ source: Source, readByteCount: Int) {
    self.source = source
    self.readByteCount = max(1, readByteCount)
    storage = [UInt8](repeating: 0, count: self.readByteCount)
  }

  /// How many bytes are there.
  var count: Int { end - start }

  /// The bytes that are there.
  var bytes: Span<UInt8> {
    @_lifetime(borrow self) get { storage.span.extracting(start..<end) }
  }

  /// Drops bytes from the front.
  mutating func consume(_ count: Int) {
    precondition(count <= self.count, "more bytes are consumed than there are")
    start += count
    position += UInt64(count)
  }

  /// Reads more bytes behind those that are there, or notes the end of the input.
  mutating func fill() throws(InputError) {
    makeRoom()
    let count = try Self.read(from: &source, into: &storage, at: end)
    end += count
    isAtEnd = count == 0
  }

  private static func read(
    from source: inout Source, into storage: inout [UInt8], at start: Int
  ) throws(InputError) -> Int {
    var span = storage.mutableSpan
    // Safety: any bit pattern is a byte.
    var bytes = unsafe span.mutableBytes
    var free = bytes._mutatingExtracting(start..<bytes.byteCount)
    let count = try source.read(into: &free)
    precondition((0...free.byteCount).contains(count), "a byte source returned too large a count")
    return count
  }

  /// Moves what is left to the front, and doubles the storage when less than half of it is free.
  private mutating func makeRoom() {
    if start == end { (start, end) = (0, 0) }
    guard storage.count - end < readByteCount else { return }
    let count = self.count
    if start > 0 {
      for index in 0..<count { storage[index] = storage[start + index] }
      (start, end) = (0, count)
    }
    if storage.count - end < readByteCount {
      let size = max(storage.count * 2, end + readByteCount)
      storage.append(contentsOf: repeatElement(0, count: size - storage.count))
    }
  }
}

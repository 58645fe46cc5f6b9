internal import Glibc

/// Buffered standard output: bytes collect in memory and leave in large writes.
///
/// Nothing is written on destruction; call `flush()` before the program ends. Making one ignores
/// SIGPIPE in the whole process, as `Interruption.install()` does.
public struct StandardOutput: ~Copyable {
  /// Bytes kept before they are written.
  public static let bufferByteCount = 64 * 1024

  /// Whether a terminal shows the output; payloads from a log must then be escaped.
  public let isTerminal: Bool

  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private var failure: OutputError?

  /// Takes standard output of this process.
  public init() { self.init(descriptor: STDOUT_FILENO) }

  init(descriptor: Int32) {
    Interruption.ignoreClosedPipes()
    self.descriptor = descriptor
    isTerminal = isatty(descriptor) == 1
    buffer.reserveCapacity(Self.bufferByteCount)
  }

  /// Writes bytes as they are.
  ///
  /// - Throws: `OutputError`, also from a write before: what fails once is not tried again.
  public mutating func write(_ bytes: RawSpan) throws(OutputError) {
    if buffer.count + bytes.byteCount > Self.bufferByteCount { try flush() }
    if let failure { throw failure }
    guard bytes.byteCount < Self.bufferByteCount else { return try send(bytes) }
    // Safety: the bytes are copied inside the closure.
    unsafe bytes.withUnsafeBytes { run in unsafe buffer.append(contentsOf: run) }
  }

  /// Writes text as it is; use `TerminalText` for what comes from elsewhere.
  public mutating func write(_ text: String) throws(OutputError) {
    try write(text.utf8Span.span.rawBytes)
  }

  /// Writes what a JSON writer holds.
  public mutating func write(_ json: borrowing JSONWriter) throws(OutputError) {
    try write(json.bytes.span.rawBytes)
  }

  /// Hands everything written so far to the system.
  public mutating func flush() throws(OutputError) {
    if let failure { throw failure }
    guard !buffer.isEmpty else { return }
    // Swapped out and back, so that the memory has one owner and the next round allocates nothing.
    var full: [UInt8] = []
    swap(&full, &buffer)
    try send(full.span.rawBytes)
    swap(&full, &buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  private mutating func send(_ bytes: RawSpan) throws(OutputError) {
    do throws(OutputError) {
      try Descriptor.writeAll(bytes, to: descriptor)
    } catch {
      failure = error
      throw error
    }
  }
}

/// Standard error: unbuffered, and nobody to tell when it fails.
public enum StandardError {
  /// Whether a terminal shows it, so that progress may be drawn.
  public static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// Writes text as it is.
  public static func write(_ text: String) {
    do throws(OutputError) {
      try Descriptor.writeAll(text.utf8Span.span.rawBytes, to: STDERR_FILENO)
    } catch {
      // There is no third stream to report it on.
    }
  }

  /// Writes a line made harmless to terminals; the errors of this module are harmless already, and
  /// would be escaped twice.
  public static func writeLine(_ text: String) { write(TerminalText.escaped(text) + "\n") }
}

/// System calls on an open descriptor.
enum Descriptor {
  /// Writes all bytes; waits when the descriptor does not block and is full.
  static func writeAll(_ bytes: RawSpan, to descriptor: Int32) throws(OutputError) {
    var position = 0
    while position < bytes.byteCount {
      let rest = bytes.extracting(position..<bytes.byteCount)
      // Safety: the system reads the span inside the closure and keeps no pointer.
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      guard count < 0 else {
        position += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: _ = wait(for: POLLOUT, on: descriptor, milliseconds: 1_000)
      case EPIPE: throw .closedPipe
      case ENOSPC, EDQUOT, EFBIG: throw .noSpace
      case let number: throw .failed(errorNumber: number)
      }
    }
  }

  /// Waits until a descriptor is ready or the time is over; returns whether it is ready.
  static func wait(for event: Int32, on descriptor: Int32, milliseconds: Int32) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(event), revents: 0)
    // Safety: one structure, which lives across the call.
    return unsafe poll(&request, 1, milliseconds) > 0
  }
}

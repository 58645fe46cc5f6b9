internal import Glibc

/// Where input bytes come from: standard input, a file, or a test.
public protocol ByteSource {
  /// Reads some bytes into a buffer that is not empty.
  ///
  /// - Returns: How many bytes were read, at most the buffer's count; 0 at the end of the input.
  /// - Throws: `InputError.interrupted` or `.failed`; its position counts from the first byte read.
  mutating func read(into buffer: inout MutableRawSpan) throws(InputError) -> Int
}

/// Standard input of this process, unbuffered.
public struct StandardInput: ByteSource, Sendable {
  /// How long a signal may stay unseen that arrives just before the process begins to wait.
  private static let pollMilliseconds: Int32 = 200

  private let descriptor: Int32
  private var position: UInt64 = 0

  /// Takes standard input.
  public init() { self.init(descriptor: STDIN_FILENO) }

  init(descriptor: Int32) { self.descriptor = descriptor }

  /// Whether a person types the input.
  public var isTerminal: Bool { isatty(descriptor) == 1 }

  public mutating func read(into buffer: inout MutableRawSpan) throws(InputError) -> Int {
    while true {
      if Interruption.isRequested { throw .interrupted }
      guard Descriptor.wait(for: POLLIN, on: descriptor, milliseconds: Self.pollMilliseconds)
      else { continue }
      // Safety: the system writes at most `count` bytes into the span inside the closure.
      let count = unsafe buffer.withUnsafeMutableBytes { bytes in
        unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
      }
      if count >= 0 {
        position += UInt64(count)
        return count
      }
      guard errno == EINTR || errno == EAGAIN else {
        throw .failed(position: position, errorNumber: errno)
      }
    }
  }
}

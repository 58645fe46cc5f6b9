internal import ByteCoding
internal import Cryptography
internal import Glibc

/// A small file with something secret, that nobody but its owner may read.
enum SecretFile {
  /// Why a file gives no secret. No error shows a byte of it.
  enum Failure: Error {
    /// The system does not let it be read.
    case unreadable(errorNumber: Int32)
    /// Others than its owner have rights to it.
    case exposed(mode: UInt32)
    /// Not a regular file, or a larger one.
    case form
  }

  /// Reads a file, hands its bytes on and wipes them.
  ///
  /// - Parameters:
  ///   - path: The file; a link in its place is refused.
  ///   - limit: Most bytes that it may have.
  ///   - body: What is made of them; `nil` when they are not what they should be.
  static func read<Result>(_ path: String, limit: Int, _ body: (RawSpan) -> Result?)
    throws(Failure) -> Result
  {
    // Safety: the path lives through the call. Not blocking: a FIFO in its place would hold up a plain open for ever.
    let descriptor = unsafe Glibc.open(
      path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { throw .unreadable(errorNumber: errno) }
    defer { _ = Glibc.close(descriptor) }
    var status = stat()
    // Safety: the structure is ours and outlives the call.
    guard unsafe fstat(descriptor, &status) == 0 else { throw .unreadable(errorNumber: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .form }
    guard status.st_mode & 0o077 == 0 else {
      throw .exposed(mode: UInt32(status.st_mode & 0o7777))
    }
    var bytes = [UInt8](repeating: 0, count: limit + 1)
    defer { SecretKey.wipe(&bytes) }
    var count = 0
    while count < bytes.count {
      // Safety: the buffer has room for what is left of it and lives for the closure.
      let result = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(
          descriptor, buffer.baseAddress.map { unsafe $0 + count }, buffer.count - count)
      }
      if result < 0, errno == EINTR { continue }
      guard result >= 0 else { throw .unreadable(errorNumber: errno) }
      if result == 0 { break }
      count += result
    }
    guard count <= limit, let result = body(bytes.rawSpan.extracting(0..<count)) else {
      throw .form
    }
    return result
  }
}

internal import ByteCoding
public import PlatformIO

/// Files that are read as a whole: keys, checkpoints, policies, proofs.
public enum SmallFile {
  /// Why a file could not be read.
  public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file system refused.
    case file(FileSystemError)
    /// It is larger than what it should be may be.
    case tooLarge(path: String, kind: String, limit: Int)

    public var description: String {
      switch self {
      case .file(let error): error.description
      case .tooLarge(let path, let kind, let limit):
        "'\(TerminalText.escaped(path))' is too large for \(kind); it may have \(limit) bytes"
      }
    }
  }

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: The file; a pipe will do.
  ///   - limit: Most bytes that it may have.
  ///   - kind: What it should be, for the message when it is larger.
  /// - Throws: ``Failure``.
  public static func read(_ path: String, limit: Int, kind: String) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    do throws(FileSystemError) {
      let file = try PlainFile(reading: path)
      var chunk = [UInt8](repeating: 0, count: min(limit, 1 << 16) + 1)
      var count = 0
      repeat {
        var span = chunk.mutableSpan
        // Safety: any bytes are values of the array.
        var buffer = unsafe span.mutableBytes
        count = try file.read(into: &buffer)
        bytes += chunk.prefix(count)
      } while count > 0 && bytes.count <= limit
    } catch {
      throw .file(error)
    }
    guard bytes.count <= limit else { throw .tooLarge(path: path, kind: kind, limit: limit) }
    return bytes
  }
}

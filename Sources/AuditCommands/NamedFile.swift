internal import ByteCoding
internal import CommandLineInterface
internal import PlatformIO

/// Files outside the store that are named on the command line.
enum NamedFile {
  /// Reads a whole file.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - limit: Most bytes that it may have.
  ///   - kind: What it should be, for the message when it is larger.
  static func read(_ path: String, limit: Int, kind: String) throws(AuditFailure) -> [UInt8] {
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
    guard bytes.count <= limit else {
      throw .message(
        "'\(TerminalText.escaped(path))' is too large for \(kind); it may have \(limit) bytes")
    }
    return bytes
  }

  /// Writes a whole file, in place of one that exists.
  static func write(_ bytes: [UInt8], to path: String) throws(AuditFailure) {
    do throws(FileSystemError) {
      let file = try PlainFile(replacing: path)
      try file.write(bytes.rawSpan)
      try file.synchronize()
    } catch {
      throw .file(error)
    }
  }
}

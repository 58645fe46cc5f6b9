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
    do throws(SmallFile.Failure) {
      return try SmallFile.read(path, limit: limit, kind: kind)
    } catch {
      throw .message("\(error)")
    }
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

internal import CommandLineInterface
internal import Integrity
internal import PlatformIO

/// A file with one secret key, as one line of text.
enum KeyFile {
  /// Larger files are no keys.
  private static let byteCountLimit = 4_096

  /// Reads a key.
  static func read(_ path: String) throws(CommandFailure) -> NoteSignerKey {
    let shown = escapedForTerminal(path)
    var bytes: [UInt8] = []
    try using { () throws(FileSystemError) in
      let file = try PlainFile(reading: path)
      var chunk = [UInt8](repeating: 0, count: byteCountLimit + 1)
      var count = 0
      repeat {
        var span = chunk.mutableSpan
        // Safety: any bytes are values of the array.
        var buffer = unsafe span.mutableBytes
        count = try file.read(into: &buffer)
        bytes += chunk.prefix(count)
      } while count > 0 && bytes.count <= byteCountLimit
    }
    guard bytes.count <= byteCountLimit else {
      throw .message("'\(shown)' is too large for a key; give the file of 'piperoll key generate'")
    }
    var line = bytes[...]
    if line.last == 0x0a { line.removeLast() }
    do throws(NoteError) {
      return try NoteSignerKey(String(decoding: line, as: UTF8.self))
    } catch {
      throw .message("'\(shown)': \(error)")
    }
  }

  /// Writes a key to a new file that only its owner can read, durably.
  static func write(_ key: NoteSignerKey, to path: String, _ fileSystem: any FileSystem)
    throws(CommandFailure)
  {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard let name = parts.last, !name.isEmpty, name != ".", name != ".." else {
      throw .message("'\(escapedForTerminal(path))' names no file; add a name")
    }
    let above = path.dropLast(name.count)
    try using { () throws(FileSystemError) in
      let directory = try fileSystem.openDirectory(path: above.isEmpty ? "." : String(above))
      defer { fileSystem.close(directory) }
      let file = try fileSystem.open(String(name), in: directory, .create)
      defer { fileSystem.close(file) }
      do throws(FileSystemError) {
        try fileSystem.write(file, bytes: Array("\(key.secretText)\n".utf8), at: 0)
        try fileSystem.synchronizeData(file)
        try fileSystem.synchronize(directory)
      } catch {
        // Half a key is in the way of the next attempt.
        try? fileSystem.unlink(String(name), in: directory)
        throw error
      }
    }
  }
}

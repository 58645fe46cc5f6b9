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
    let bytes = try NamedFile.read(
      path, limit: byteCountLimit, kind: "a key; give the file of 'piperoll key generate'")
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
    let (folder, name) = try NamedFile.split(path)
    try using { () throws(FileSystemError) in
      let directory = try fileSystem.openDirectory(path: folder)
      defer { fileSystem.close(directory) }
      let file = try fileSystem.open(name, in: directory, .create)
      defer { fileSystem.close(file) }
      do throws(FileSystemError) {
        try fileSystem.write(file, bytes: Array("\(key.secretText)\n".utf8), at: 0)
        try fileSystem.synchronizeData(file)
        try fileSystem.synchronize(directory)
      } catch {
        // Half a key is in the way of the next attempt.
        try? fileSystem.unlink(name, in: directory)
        throw error
      }
    }
  }
}

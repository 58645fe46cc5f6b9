import Glibc

/// Reads and writes files of the repository, for golden files and documents.
public struct RepositoryFile: Sendable {
  /// Why it could not be read or written.
  public struct Failure: Error, Sendable {
    public let path: String
    public let code: Int32
  }

  /// Its full path.
  public let path: String

  /// A file by its path in the repository; the repository is found from this source file.
  public init(_ name: String, root: String? = nil, thisFile: String = #filePath) {
    let parts = thisFile.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    path = (root ?? parts.joined(separator: "/")) + "/" + name
  }

  /// All its bytes.
  public func read() throws(Failure) -> [UInt8] {
    guard let file = fopen(path, "rb") else { throw Failure(path: path, code: errno) }
    defer { fclose(file) }
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      guard count > 0 else { return result }
      result += buffer[..<count]
    }
  }

  /// Replaces its bytes; folders on the way are made.
  public func write(_ bytes: [UInt8]) throws(Failure) {
    var folder = ""
    for part in path.split(separator: "/").dropLast() {
      folder += "/" + part
      mkdir(folder, 0o755)
    }
    guard let file = fopen(path, "wb") else { throw Failure(path: path, code: errno) }
    let count = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, count == bytes.count else { throw Failure(path: path, code: errno) }
  }
}

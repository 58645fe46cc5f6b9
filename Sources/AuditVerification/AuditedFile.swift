internal import ByteCoding
internal import PlatformIO

/// A file that is audited, open for reading: nothing is locked, mapped or written.
final class AuditedFile: Sendable {
  /// Below the folder that is audited.
  let name: String
  /// Bytes it had when it was opened.
  let byteCount: UInt64
  private let fileSystem: any FileSystem
  private let handle: FileHandle

  init(_ component: String, in directory: DirectoryHandle, name: String, _ system: any FileSystem)
    throws(FileSystemError)
  {
    let handle = try system.open(component, in: directory, .readOnly)
    do throws(FileSystemError) { byteCount = try system.status(of: handle).byteCount } catch {
      system.close(handle)
      throw error
    }
    (self.handle, self.name, fileSystem) = (handle, name, system)
  }

  deinit { fileSystem.close(handle) }

  /// Reads to the front of some memory, as much of it as the file has from a position on.
  ///
  /// - Returns: Bytes that were read.
  func read(_ count: Int, into bytes: inout [UInt8], at position: UInt64) throws(FileSystemError)
    -> Int
  {
    if bytes.count < count { bytes = [UInt8](repeating: 0, count: count) }
    var elements = bytes.mutableSpan
    // Safety: bytes have no values that are not valid; the array's storage outlives the call, and there
    // are `count` of them.
    var memory = unsafe elements.mutableBytes
    return try unsafe memory.withUnsafeMutableBytes { (buffer) throws(FileSystemError) in
      try unsafe fileSystem.read(
        handle, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), at: position)
    }
  }

  /// A copy of bytes of the file; fewer where it ends before.
  func bytes(_ count: Int, at position: UInt64) throws(FileSystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    let found = try read(count, into: &bytes, at: position)
    bytes.removeLast(bytes.count - found)
    return bytes
  }
}

/// The folder of a store.
final class AuditedFolder: Sendable {
  let path: String
  let fileSystem: any FileSystem
  private let root: DirectoryHandle

  static let manifestFolder = "meta"

  init(_ path: String, _ fileSystem: any FileSystem) throws(FileSystemError) {
    root = try fileSystem.openDirectory(path: path)
    (self.path, self.fileSystem) = (path, fileSystem)
  }

  deinit { fileSystem.close(root) }

  /// Opens a file by its path below the folder; links are not followed.
  func open(_ name: String) throws(FileSystemError) -> AuditedFile {
    let components = name.split(separator: "/").map { String($0) }
    guard let last = components.last else { throw FileSystemError(.open, path, .notFound) }
    return try within(components.dropLast()) { (directory) throws(FileSystemError) in
      try AuditedFile(last, in: directory, name: name, fileSystem)
    }
  }

  /// Names and kinds in a folder below this one.
  func entries(_ name: String) throws(FileSystemError) -> [DirectoryEntry] {
    let components = name.split(separator: "/").map { String($0) }
    return try within(components[...]) { (directory) throws(FileSystemError) in
      try fileSystem.entries(of: directory)
    }
  }

  private func within<Result>(
    _ components: ArraySlice<String>,
    _ body: (DirectoryHandle) throws(FileSystemError) -> Result
  ) throws(FileSystemError) -> Result {
    var opened: [DirectoryHandle] = []
    defer { for handle in opened { fileSystem.close(handle) } }
    for component in components {
      opened.append(try fileSystem.openDirectory(component, in: opened.last ?? root))
    }
    return try body(opened.last ?? root)
  }

  /// The name of a segment's file.
  static func segmentName(streamID: UInt64, segmentID: UInt64, suffix: String = ".seg") -> String {
    let file = Hexadecimal.digits(segmentID, count: 16) + suffix
    return streamID == 0
      ? "\(manifestFolder)/\(file)" : "s/\(Hexadecimal.digits(streamID, count: 16))/\(file)"
  }
}

extension FileSystemError {
  /// Whether it says what is wrong with the store, and not what kept the machine from looking at it.
  var isAboutTheFile: Bool {
    switch reason {
    case .notFound, .notARegularFile, .notADirectory, .unexpectedEnd, .inputOutput: true
    default: false
    }
  }
}

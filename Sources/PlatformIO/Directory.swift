/// An open directory and the duty to close it.
///
/// Everything below is reached by single-component names relative to it, so it stays the same
/// directory whatever happens to its path.
public struct Directory: ~Copyable, Sendable {
  /// Where it was when it was opened.
  public let path: String
  /// The number of the file system's own.
  public let handle: DirectoryHandle
  /// The file system it belongs to.
  public let system: any FileSystem

  /// Opens an existing directory by path; a link at the last component is followed.
  public init(opening path: String, in system: any FileSystem) throws(FileSystemError) {
    self.handle = try system.openDirectory(path: path)
    self.path = path
    self.system = system
  }

  /// Opens a directory inside another, not following links.
  public init(opening name: String, in parent: borrowing Directory) throws(FileSystemError) {
    self.handle = try parent.system.openDirectory(name, in: parent.handle)
    self.path = parent.path(of: name)
    self.system = parent.system
  }

  deinit { system.close(handle) }

  /// The path of a name in it, for people.
  public func path(of name: String) -> String {
    path.hasSuffix("/") ? path + name : path + "/" + name
  }

  /// Creates a directory inside it with mode 0700; durable only after `synchronize`.
  public func makeDirectory(_ name: String) throws(FileSystemError) {
    try system.makeDirectory(name, in: handle)
  }

  /// Names and kinds of its entries, in no particular order.
  public func entries() throws(FileSystemError) -> [DirectoryEntry] {
    try system.entries(of: handle)
  }

  /// Makes creations, renames and removals in it durable.
  public func synchronize() throws(FileSystemError) { try system.synchronize(handle) }

  /// Space of the file system it is on.
  public func space() throws(FileSystemError) -> FileSystemSpace { try system.space(of: handle) }

  /// Device and inode; a copy differs in them.
  public func identity() throws(FileSystemError) -> FileIdentity {
    try system.identity(of: handle)
  }

  /// Renames inside it; an existing target is replaced atomically.
  public func rename(_ name: String, to newName: String) throws(FileSystemError) {
    try system.rename(name, in: handle, to: newName, in: handle)
  }

  /// Renames into another directory of the same file system.
  public func rename(_ name: String, to newName: String, in other: borrowing Directory)
    throws(FileSystemError)
  {
    try system.rename(name, in: handle, to: newName, in: other.handle)
  }

  /// Removes a file's name.
  public func unlink(_ name: String) throws(FileSystemError) {
    try system.unlink(name, in: handle)
  }

  /// Removes an empty directory inside it.
  public func removeDirectory(_ name: String) throws(FileSystemError) {
    try system.removeDirectory(name, in: handle)
  }

  /// Replaces a small file in it as a whole, durably: see `FileSystem.replace`.
  public func replace(_ name: String, bytes: [UInt8], willReplace: () -> Void = {})
    throws(FileSystemError)
  {
    try system.replace(name, in: handle, bytes: bytes, willReplace: willReplace)
  }
}

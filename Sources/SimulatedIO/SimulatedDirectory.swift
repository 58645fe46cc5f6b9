internal import PlatformIO

/// What stands under a name in place of a file or directory.
public enum SpecialFile: Hashable, Sendable {
  /// A symbolic link; followed only at the last component of `openDirectory(path:)`.
  case symbolicLink(to: String)
  /// A FIFO.
  case fifo
  /// A socket.
  case socket
  /// A device.
  case device
}

/// What a name stands for.
enum Entry: Hashable, Sendable {
  /// Index in the table of files.
  case file(Int)
  /// Index in the table of directories.
  case directory(Int)
  case special(SpecialFile)

  var kind: FileKind {
    switch self {
    case .file: .regular
    case .directory: .directory
    case .special: .other
    }
  }
}

/// A directory: the names programs see and those that survive any crash.
struct SimulatedDirectory: Sendable {
  let inode: UInt64
  var entries: [String: Entry] = [:]
  var durableEntries: [String: Entry] = [:]
  var isRemoved = false
}

/// A change of names that is not durable in every directory it touches.
struct EntryChange: Sendable {
  enum Kind: Sendable {
    case add(String, in: Int)
    case remove(String, in: Int)
    case move(String, from: Int, to: String, in: Int)
  }

  let kind: Kind
  let entry: Entry
  /// Number of the operation that made it.
  let number: Int
  /// Directories not synced since; a move survives for certain when both are.
  var unsynced: [Int]
  /// A failed directory sync forgot it: no later sync makes it durable, though it may survive.
  var isDropped = false

  var isDurable: Bool { unsynced.isEmpty }
}

internal import PlatformIO

/// An operation about to be done: enough to number, trace and fail it. The path is put together
/// only when somebody wants to see it.
struct Intent: Sendable {
  /// Where it is done.
  enum Place: Sendable {
    case file(FileHandle)
    case directory(DirectoryHandle)
    case entry(String, DirectoryHandle)
    case path(String)
  }

  let kind: FileSystemError.Operation
  let place: Place
  var position: UInt64 = 0
  var byteCount: UInt64 = 0

  init(
    _ kind: FileSystemError.Operation, _ place: Place, position: UInt64 = 0, byteCount: UInt64 = 0
  ) {
    self.kind = kind
    self.place = place
    self.position = position
    self.byteCount = byteCount
  }
}

/// How much of an operation takes place.
enum Extent: Sendable {
  case whole
  /// That many bytes of it, or half.
  case part(Int?)
}

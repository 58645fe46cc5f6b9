internal import CPlatform
internal import Glibc

/// What an operation needs its name to be; decides how a few error numbers read.
enum ExpectedKind {
  case file, directory, either
}

/// Repeats a system call while signals interrupt it, and turns its failure into an error.
///
/// - Parameter interruptionLimit: Interruptions after which `EINTR` becomes the error.
func systemCall<Result: SignedInteger>(
  _ operation: FileSystemError.Operation, _ path: @autoclosure () -> String,
  expecting kind: ExpectedKind = .either, interruptionLimit: Int = .max, _ call: () -> Result
) throws(FileSystemError) -> Result {
  var interruptions = 0
  while true {
    let result = call()
    if result >= 0 { return result }
    let number = errno
    interruptions += 1
    if number == EINTR, interruptions < interruptionLimit { continue }
    throw failure(operation, path(), number, expecting: kind)
  }
}

/// The error for an error number.
func failure(
  _ operation: FileSystemError.Operation, _ path: String, _ number: Int32,
  expecting kind: ExpectedKind = .either
) -> FileSystemError {
  FileSystemError(operation, path, reason(number, operation, expecting: kind))
}

/// Sorts an error number of Linux into what a program can act on.
private func reason(
  _ number: Int32, _ operation: FileSystemError.Operation, expecting kind: ExpectedKind
) -> FileSystemError.Reason {
  switch number {
  case ENOENT: .notFound
  case EEXIST: .alreadyExists
  case EACCES, EPERM: .permissionDenied
  case EROFS: .readOnlyFileSystem
  case ENOSPC, EDQUOT, EFBIG: .noSpace
  case EMFILE, ENFILE: .tooManyOpenFiles
  case ENOMEM: .outOfMemory
  // The last two: a checksum or structure of the file system itself is damaged.
  case EIO, EBADMSG, EUCLEAN: .inputOutput
  case EOPNOTSUPP, ENOSYS: .unsupported
  case ELOOP: kind == .file ? .notARegularFile : .notADirectory
  case ENOTDIR: .notADirectory
  case EISDIR: .notARegularFile
  // A socket; a device without a driver.
  case ENXIO where kind == .file, ENODEV where kind == .file: .notARegularFile
  case ENODEV where operation == .map: .unsupported
  // Too much locked memory.
  case EAGAIN where operation == .map: .outOfMemory
  case EINVAL where operation.isOptionalForFileSystems: .unsupported
  default: .system(errorNumber: number)
  }
}

extension FileSystemError.Operation {
  /// `EINVAL` of these says that the file system cannot do it; our arguments are checked before.
  fileprivate var isOptionalForFileSystems: Bool {
    switch self {
    case .synchronizeDirectory, .synchronizeData, .allocate, .punchHole, .map, .writeDurably: true
    default: false
    }
  }
}

/// Refuses a name that is not exactly one path component (empty, `.`, `..`, with `/` or NUL).
func requireSingleComponent(
  _ name: String, _ operation: FileSystemError.Operation, _ path: String
) throws(FileSystemError) {
  let isComponent =
    !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/"))
    && !name.utf8.contains(0)
  if !isComponent { throw FileSystemError(operation, path, .system(errorNumber: EINVAL)) }
}

/// Refuses a path the system would read differently from us (empty, or with a NUL).
func requirePath(_ path: String, _ operation: FileSystemError.Operation) throws(FileSystemError) {
  if path.isEmpty { throw FileSystemError(operation, path, .notFound) }
  if path.utf8.contains(0) {
    throw FileSystemError(operation, path, .system(errorNumber: EINVAL))
  }
}

/// A position or size as the system counts it.
func fileOffset(_ value: UInt64, _ operation: FileSystemError.Operation, _ path: String)
  throws(FileSystemError) -> off_t
{
  guard let offset = off_t(exactly: value) else {
    throw FileSystemError(operation, path, .system(errorNumber: EOVERFLOW))
  }
  return offset
}

/// Moves a descriptor out of 0 to 2, where a library that prints would write into the file. The
/// descriptor given is closed when another is returned, and when an error is thrown.
func movedAboveStandardStreams(
  _ descriptor: Int32, _ operation: FileSystemError.Operation, _ path: String
) throws(FileSystemError) -> Int32 {
  guard descriptor <= 2 else { return descriptor }
  defer { _ = Glibc.close(descriptor) }
  return try systemCall(operation, path) { piperoll_duplicate_above_2(descriptor) }
}

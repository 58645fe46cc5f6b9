/// A failed file-system operation: what was tried, on what, and why it failed.
public struct FileSystemError: Error, Hashable, Sendable {
  /// What was tried; also the names by which faults are planned in tests.
  public enum Operation: String, Hashable, Sendable, CaseIterable {
    case openDirectory, makeDirectory, listDirectory, synchronizeDirectory, spaceOfFileSystem
    case rename, unlink, removeDirectory
    case open, status, read, write, writeDurably, synchronizeData, allocate, setSize, punchHole
    case lock, map
  }

  /// Why it failed, in terms a program can act on.
  public enum Reason: Hashable, Sendable {
    /// No such name (`ENOENT`).
    case notFound
    /// The name exists (`EEXIST`).
    case alreadyExists
    /// A link, FIFO, device, socket or directory stands where a regular file belongs.
    case notARegularFile
    /// Something else stands where a directory belongs (`ENOTDIR`), or a link (`ELOOP`).
    case notADirectory
    /// No right to do this (`EACCES`, `EPERM`).
    case permissionDenied
    /// Mounted read-only (`EROFS`).
    case readOnlyFileSystem
    /// No space, quota or file-size limit reached (`ENOSPC`, `EDQUOT`, `EFBIG`).
    case noSpace
    /// Out of descriptors (`EMFILE`, `ENFILE`).
    case tooManyOpenFiles
    /// Out of memory or address space (`ENOMEM`).
    case outOfMemory
    /// The device failed (`EIO`).
    case inputOutput
    /// The file system cannot do this (`EOPNOTSUPP`, `ENOSYS`, `EINVAL` where it means that).
    case unsupported
    /// The file ends before the range asked for.
    case unexpectedEnd
    /// This process has closed what the file belongs to.
    case closed
    /// The simulated machine lost its power; every later operation fails like this one.
    case powerLost
    /// Any other error, by its number.
    case system(errorNumber: Int32)
  }

  /// What was tried.
  public let operation: Operation
  /// The file or directory, as an operator would look for it.
  public let path: String
  /// Why it failed.
  public let reason: Reason

  /// Makes an error.
  public init(_ operation: Operation, _ path: String, _ reason: Reason) {
    self.operation = operation
    self.path = path
    self.reason = reason
  }
}

extension FileSystemError: CustomStringConvertible {
  public var description: String {
    "\(operation.rawValue) of '\(escapedForTerminal(path))' failed: \(reason.explanation)"
  }
}

extension FileSystemError.Reason {
  /// A sentence fragment for people, ending in the next step where there is one.
  public var explanation: String {
    switch self {
    case .notFound: "no such file or directory"
    case .alreadyExists: "the name exists already"
    case .notARegularFile: "not a regular file; links, devices and FIFOs are never followed"
    case .notADirectory: "not a directory"
    case .permissionDenied: "permission denied; check the owner and mode of the store"
    case .readOnlyFileSystem: "the file system is mounted read-only"
    case .noSpace: "no space left, or a quota or file-size limit was reached; make room and retry"
    case .tooManyOpenFiles: "out of file descriptors; raise the limit (ulimit -n) or close some"
    case .outOfMemory: "out of memory or address space"
    case .inputOutput: "input/output error of the device; check the disk"
    case .unsupported: "not supported by this file system"
    case .unexpectedEnd: "the file ends before the range asked for"
    case .closed: "closed by this process; open it again"
    case .powerLost: "the simulated machine has lost its power"
    case .system(let number): "system error \(number)"
    }
  }
}

/// Returns text with control characters, escapes and bidirectional marks made visible, so that a name
/// from a hostile directory cannot steer the terminal it is printed on.
public func escapedForTerminal(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x200b...0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff:
      result += "\\u{\(String(scalar.value, radix: 16))}"
    case 0x5c: result += "\\\\"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// Why standard output could not be written.
public enum OutputError: Error, Hashable, Sendable {
  /// The reader of the pipe has gone (`EPIPE`), as with `piperoll read ... | head`.
  case closedPipe
  /// The file system is full, or a quota or size limit is reached (`ENOSPC`, `EDQUOT`, `EFBIG`).
  case noSpace
  /// Any other error of the system, by its number.
  case failed(errorNumber: Int32)

  /// What the program ends with: a reader that has seen enough is no failure.
  public var exitCode: ExitCode { self == .closedPipe ? .success : .usage }
}

extension OutputError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .closedPipe: "standard output was closed by its reader"
    case .noSpace: "standard output: no space left; make room and run the command again"
    case .failed(let number): "standard output: system error \(number); check where it leads"
    }
  }
}

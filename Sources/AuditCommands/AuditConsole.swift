internal import ByteCoding
public import CommandLineInterface
public import PlatformIO

/// Everything a command touches besides the files it is told of; tests bring their own.
///
/// One thread at a time.
public final class AuditConsole {
  /// Where results go.
  let output: any OutputSink
  /// Whether progress may be drawn on standard error.
  let showsProgress: Bool
  /// The disk that is audited.
  let fileSystem: any FileSystem
  /// The time of the machine, for progress alone.
  let time: any TimeSource
  /// Writes text to standard error as it is; from any thread.
  let writeError: @Sendable (String) -> Void
  /// Whether somebody wants the command to stop; asked from any thread.
  let interruption: @Sendable () -> Bool
  /// Lets others go first by a niceness, from now on.
  let giveWay: (_ niceness: Int) -> Void

  /// Puts a console together.
  ///
  /// - Parameters:
  ///   - output: Where results go.
  ///   - errors: Takes text for standard error as it is; from any thread.
  ///   - showsProgress: Whether progress may be drawn there.
  ///   - interruption: Whether somebody wants the command to stop.
  ///   - fileSystem: The disk that is audited.
  ///   - time: The time of the machine, for progress alone.
  ///   - giveWay: Lets others go first by a niceness; does nothing by default.
  public init(
    output: any OutputSink, errors: @escaping @Sendable (String) -> Void,
    showsProgress: Bool = false,
    interruption: @escaping @Sendable () -> Bool = { false },
    fileSystem: any FileSystem = PosixFileSystem(), time: any TimeSource = SystemTime(),
    giveWay: @escaping (_ niceness: Int) -> Void = { _ in }
  ) {
    (self.output, writeError, self.showsProgress) = (output, errors, showsProgress)
    (self.interruption, self.fileSystem, self.time) = (interruption, fileSystem, time)
    self.giveWay = giveWay
  }

  /// Standard output and error of this process.
  public static func standard() -> AuditConsole {
    AuditConsole(
      output: StandardOutputSink(), errors: StandardError.write,
      showsProgress: StandardError.isTerminal, interruption: { Interruption.isRequested },
      giveWay: ThreadPriority.giveWay)
  }

  /// Where the program writes, a command apart.
  var streams: CommandLineStreams<AuditFailure> {
    CommandLineStreams(
      write: { text throws(AuditFailure) in try self.write(Array(text.utf8)) },
      flush: { () throws(AuditFailure) in try self.flush() }, writeError: writeError)
  }

  /// Writes bytes to standard output.
  func write(_ bytes: [UInt8]) throws(AuditFailure) {
    do throws(OutputError) { try output.write(bytes.rawSpan) } catch { throw .output(error) }
  }

  /// Hands what was written to whoever reads it.
  func flush() throws(AuditFailure) {
    do throws(OutputError) { try output.flush() } catch { throw .output(error) }
  }
}

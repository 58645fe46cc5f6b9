internal import ByteCoding
public import CommandLineInterface
public import CommitLog

/// Everything a command touches besides its store and the files it is told of; tests bring their own.
///
/// One thread at a time.
public final class Console {
  /// Where input bytes come from.
  var input: AnyInput
  /// Where results go.
  let output: any OutputSink
  /// Whether progress may be drawn on standard error.
  let showsProgress: Bool
  /// The disk, the time and randomness of the stores.
  let environment: StoreEnvironment
  private let errors: (String) -> Void
  private let interruption: () -> Bool

  /// Puts a console together.
  ///
  /// - Parameters:
  ///   - input: Where input bytes come from.
  ///   - output: Where results go.
  ///   - errors: Takes text for standard error as it is.
  ///   - showsProgress: Whether progress may be drawn there.
  ///   - interruption: Whether somebody wants the command to stop.
  ///   - environment: The disk, the time and randomness of the stores.
  public init(
    input: any ByteSource, output: any OutputSink, errors: @escaping (String) -> Void,
    showsProgress: Bool = false, interruption: @escaping () -> Bool = { false },
    environment: StoreEnvironment = .machine()
  ) {
    self.input = AnyInput(input)
    self.output = output
    self.errors = errors
    self.showsProgress = showsProgress
    self.interruption = interruption
    self.environment = environment
  }

  /// Standard input, output and error of this process.
  public static func standard() -> Console {
    Console(
      input: StandardInput(), output: StandardOutputSink(), errors: StandardError.write,
      showsProgress: StandardError.isTerminal, interruption: { Interruption.isRequested })
  }

  /// Whether somebody wants the command to stop.
  var isInterrupted: Bool { interruption() }

  /// Stops a command that somebody wants to stop.
  func checkInterruption() throws(CommandFailure) {
    if isInterrupted { throw .interrupted }
  }

  /// Where the program writes, a command apart.
  var streams: CommandLineStreams<CommandFailure> {
    CommandLineStreams(
      write: { text throws(CommandFailure) in try self.write(text) },
      flush: { () throws(CommandFailure) in try self.flush() }, writeError: errors)
  }

  /// Writes text to standard error as it is.
  func writeError(_ text: String) { errors(text) }

  /// Writes text to standard output.
  func write(_ text: String) throws(CommandFailure) {
    let bytes = Array(text.utf8)
    try printing { () throws(OutputError) in try output.write(bytes.rawSpan) }
  }

  /// Writes a JSON document as one line.
  func write(_ json: JSONWriter) throws(CommandFailure) {
    var json = json
    json.endDocument()
    let bytes = json.bytes
    try printing { () throws(OutputError) in try output.write(bytes.rawSpan) }
  }

  /// Hands what was written to whoever reads it.
  func flush() throws(CommandFailure) {
    try printing { () throws(OutputError) in try output.flush() }
  }
}

/// A source of input bytes whose kind is known only when the program runs.
struct AnyInput: ByteSource {
  private var source: any ByteSource

  init(_ source: any ByteSource) { self.source = source }

  mutating func read(into buffer: inout MutableRawSpan) throws(InputError) -> Int {
    try source.read(into: &buffer)
  }
}

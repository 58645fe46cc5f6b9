/// Where results go: standard output, or the memory of a test.
public protocol OutputSink: AnyObject {
  /// Whether a terminal shows the bytes, so that payloads must be escaped.
  var isTerminal: Bool { get }
  /// Takes bytes; they may wait in memory until `flush()`.
  ///
  /// - Throws: `OutputError`, and the same again in every later call.
  func write(_ bytes: RawSpan) throws(OutputError)
  /// Hands everything taken so far on.
  func flush() throws(OutputError)
}

/// Standard output of this process.
public final class StandardOutputSink: OutputSink {
  private var output = StandardOutput()

  /// Takes standard output of this process.
  public init() {}

  public var isTerminal: Bool { output.isTerminal }
  public func write(_ bytes: RawSpan) throws(OutputError) { try output.write(bytes) }
  public func flush() throws(OutputError) { try output.flush() }
}

internal import PlatformIO

/// The words this process was started with.
public enum ProcessArguments {
  /// Returns the arguments without the program's own name.
  ///
  /// - Parameter program: The name to begin an error with.
  /// - Throws: `UsageError` when an argument is not UTF-8; Linux passes any bytes.
  public static func read(program: String) throws(UsageError) -> [String] {
    var words: [[UInt8]] = []
    // Safety: argv holds argc pointers to texts that end with a zero byte and live as long as the
    // process; a null pointer among them ends the list early.
    let (count, list) = unsafe (Int(CommandLine.argc), CommandLine.unsafeArgv)
    for index in 0..<max(0, count) {
      // Safety: as above.
      guard let text = unsafe list[index] else { break }
      var bytes: [UInt8] = []
      var position = 0
      // Safety: the loop stops at the zero byte that ends every argument.
      while case let byte = unsafe text[position], byte != 0 {
        bytes.append(UInt8(bitPattern: byte))
        position += 1
      }
      words.append(bytes)
    }
    return try decode(words.dropFirst(), program: program)
  }

  /// Returns arguments as text.
  static func decode(
    _ words: ArraySlice<[UInt8]>, program: String
  ) throws(UsageError) -> [String] {
    var texts: [String] = []
    for (number, bytes) in words.enumerated() {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        let shown = TerminalText.escaped(Array(bytes.prefix(80)))
        throw UsageError(
          context: program,
          problem: "argument \(number + 1) is not UTF-8: '\(shown)'; names must be UTF-8 text")
      }
      texts.append(text)
    }
    return texts
  }
}

internal import ByteCoding

/// Writes JSON (RFC 8259) into a buffer that is used again and again.
///
/// The caller opens and closes objects and arrays in a legal order; separators are the writer's
/// work. Names come out in the order they are written, so equal calls give equal bytes.
///
/// Besides what the standard demands, characters that can steer a terminal are escaped: U+007F to
/// U+009F, marks of writing direction, line and paragraph separators.
public struct JSONWriter: Sendable {
  /// How the text is laid out.
  public enum Layout: Hashable, Sendable {
    /// Everything on one line without spaces.
    case line
    /// One value per line, indented by two spaces.
    case pretty
  }

  /// The JSON written so far.
  public internal(set) var bytes: [UInt8] = []
  private let layout: Layout
  private var depth = 0
  private var needsSeparator = false
  private var followsName = false

  /// Makes a writer with an empty buffer.
  public init(_ layout: Layout = .line) { self.layout = layout }

  /// Starts anew and keeps the buffer's memory.
  public mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    (depth, needsSeparator, followsName) = (0, false, false)
  }

  /// Ends a document with a line feed; another may follow.
  public mutating func endDocument() {
    bytes.append(UInt8(ascii: "\n"))
    needsSeparator = false
  }

  /// Begins an object as a value.
  public mutating func beginObject() { begin(UInt8(ascii: "{")) }

  /// Ends the innermost object.
  public mutating func endObject() { end(UInt8(ascii: "}")) }

  /// Begins an array as a value.
  public mutating func beginArray() { begin(UInt8(ascii: "[")) }

  /// Ends the innermost array.
  public mutating func endArray() { end(UInt8(ascii: "]")) }

  /// Writes the name of a member; its value comes next.
  public mutating func name(_ name: String) {
    beginValue()
    writeString(name)
    bytes.append(UInt8(ascii: ":"))
    if layout == .pretty { bytes.append(UInt8(ascii: " ")) }
    followsName = true
  }

  /// Writes a string.
  public mutating func value(_ text: String) {
    beginValue()
    writeString(text)
  }

  /// Writes `true` or `false`.
  public mutating func value(_ flag: Bool) {
    beginValue()
    bytes.append(contentsOf: (flag ? "true" : "false").utf8)
  }

  /// Writes a whole number, exactly; readers that use doubles lose digits above 2^53.
  public mutating func value(_ number: UInt64) {
    beginValue()
    writeDigits(number)
  }

  /// Writes a whole number, exactly.
  public mutating func value(_ number: Int64) {
    beginValue()
    if number < 0 { bytes.append(UInt8(ascii: "-")) }
    writeDigits(number.magnitude)
  }

  /// Writes a whole number, exactly.
  public mutating func value(_ number: Int) { value(Int64(number)) }

  /// Writes a number in the shortest form that reads back the same; JSON has no infinities and no
  /// not-a-number, they become `null`.
  public mutating func value(_ number: Double) {
    guard number.isFinite else { return null() }
    beginValue()
    bytes.append(contentsOf: number.description.utf8)
  }

  /// Writes `null`.
  public mutating func null() {
    beginValue()
    bytes.append(contentsOf: "null".utf8)
  }

  /// Writes bytes of unknown content: a string if they are UTF-8, `{"base64":"..."}` otherwise.
  ///
  /// A reader tells the two apart by type: text is a string, other bytes are an object.
  public mutating func value(bytes payload: RawSpan) {
    let payload = Span<UInt8>(_bytes: payload)
    beginValue()
    guard UTF8Check.validPrefixByteCount(of: payload) == payload.count else {
      bytes.append(contentsOf: "{\"base64\":\"".utf8)
      Base64.append(payload, to: &bytes)
      bytes.append(contentsOf: "\"}".utf8)
      return
    }
    bytes.append(UInt8(ascii: "\""))
    writeEscaped(payload)
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func begin(_ bracket: UInt8) {
    beginValue()
    bytes.append(bracket)
    depth += 1
    needsSeparator = false
  }

  private mutating func end(_ bracket: UInt8) {
    precondition(depth > 0 && !followsName, "an object or array is closed that was not open")
    depth -= 1
    // An empty object or array stays on its line.
    if needsSeparator { breakLine() }
    bytes.append(bracket)
    needsSeparator = true
  }

  private mutating func beginValue() {
    if followsName {
      followsName = false
    } else {
      if needsSeparator { bytes.append(UInt8(ascii: ",")) }
      if depth > 0 { breakLine() }
    }
    needsSeparator = true
  }

  private mutating func breakLine() {
    guard layout == .pretty else { return }
    bytes.append(UInt8(ascii: "\n"))
    for _ in 0..<depth * 2 { bytes.append(UInt8(ascii: " ")) }
  }

  private mutating func writeDigits(_ number: UInt64) {
    guard number >= 10 else { return bytes.append(UInt8(ascii: "0") + UInt8(number)) }
    // 64 bits have at most 20 digits; they are made from the last to the first.
    var digits: [20 of UInt8] = .init(repeating: 0)
    var (rest, index) = (number, 20)
    while rest > 0 {
      index -= 1
      digits[index] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
    for index in index..<20 { bytes.append(digits[index]) }
  }

  private mutating func writeString(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    writeEscaped(text.utf8Span.span)
    bytes.append(UInt8(ascii: "\""))
  }
}

extension JSONWriter {
  /// Writes a member that is a string.
  public mutating func member(_ name: String, _ text: String) {
    self.name(name)
    value(text)
  }

  /// Writes a member that is `true` or `false`.
  public mutating func member(_ name: String, _ flag: Bool) {
    self.name(name)
    value(flag)
  }

  /// Writes a member that is a whole number.
  public mutating func member(_ name: String, _ number: UInt64) {
    self.name(name)
    value(number)
  }

  /// Writes a member that is a whole number.
  public mutating func member(_ name: String, _ number: Int) {
    self.name(name)
    value(number)
  }

  /// Writes a member that is bytes of unknown content, as `value(bytes:)` does.
  public mutating func member(_ name: String, bytes payload: RawSpan) {
    self.name(name)
    value(bytes: payload)
  }
}

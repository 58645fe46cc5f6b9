/// One thing a command accepts, as parsing, help, completion and the man page see it.
public struct Parameter: Sendable {
  /// How a parameter is written.
  public enum Form: Hashable, Sendable {
    /// By its place: `STORE`.
    case positional
    /// By its name, with a value: `--key K`.
    case option
    /// By its name alone: `--ack`.
    case flag
  }

  /// How it is written.
  public let form: Form
  /// The name: `STORE` for a positional argument, `max-bytes` for `--max-bytes`.
  public let name: String
  /// The letter of the short form: `k` for `-k`.
  public let short: Character?
  /// The word that stands for the value in help: `BYTES`.
  public let placeholder: String
  /// A phrase that says what it is for.
  public let help: String
  /// The value taken when none is written, as text.
  public let defaultText: String?
  /// Whether leaving it out is an error.
  public let isRequired: Bool
  /// Whether it may be given more than once.
  public let isRepeating: Bool
  /// What shells may offer.
  public let completion: Completion
  let parse: @Sendable (String) throws(ValueError) -> any Sendable

  /// The name as it is typed and as errors show it: `STORE`, `--max-bytes`.
  public var label: String { form == .positional ? name : "--\(name)" }

  init<Value>(
    _ form: Form, _ name: String, short: Character? = nil, placeholder: String? = nil,
    kind: ValueKind<Value>, help: String, defaultText: String? = nil, isRequired: Bool = false,
    isRepeating: Bool = false
  ) {
    self.form = form
    self.name = name
    self.short = short
    self.placeholder = placeholder ?? name
    self.help = help
    self.defaultText = defaultText
    self.isRequired = isRequired
    self.isRepeating = isRepeating
    self.completion = kind.completion
    self.parse = { text throws(ValueError) in try kind.parse(text) }
  }
}

/// A typed declaration that a command lists among its parameters and later reads its value by.
public protocol CommandParameter: Sendable {
  /// What reading the parameter gives.
  associatedtype Output: Sendable
  /// The declaration without its type.
  var parameter: Parameter { get }
  /// Turns the values found, in the order they were written, into what reading gives.
  func output(of values: [any Sendable]) -> Output
}

/// A positional argument. `Output` is `Value`, `Value?` or `[Value]`.
public struct Argument<Output: Sendable>: CommandParameter {
  public let parameter: Parameter
  private let convert: @Sendable ([any Sendable]) -> Output

  public func output(of values: [any Sendable]) -> Output { convert(values) }

  /// An argument that must be there.
  ///
  /// - Parameters:
  ///   - name: The word in help, upper case: `STORE`.
  ///   - kind: How its text is read.
  ///   - help: A phrase that says what it is for.
  public static func required(_ name: String, _ kind: ValueKind<Output>, help: String) -> Argument {
    Argument(
      parameter: Parameter(.positional, name, kind: kind, help: help, isRequired: true),
      convert: { Values.last(of: $0, as: Output.self, parameter: name) })
  }

  /// An argument that may be left out; nothing required may follow it.
  public static func optional<Value>(
    _ name: String, _ kind: ValueKind<Value>, help: String
  ) -> Argument where Output == Value? {
    Argument(
      parameter: Parameter(.positional, name, kind: kind, help: help),
      convert: { Values.all(of: $0, as: Value.self, parameter: name).last })
  }

  /// The last argument, given once or more often.
  public static func repeating<Value>(
    _ name: String, _ kind: ValueKind<Value>, help: String
  ) -> Argument where Output == [Value] {
    Argument(
      parameter: Parameter(
        .positional, name, kind: kind, help: help, isRequired: true, isRepeating: true),
      convert: { Values.all(of: $0, as: Value.self, parameter: name) })
  }
}

/// An option with a value: `--key K`, `--key=K`, `-k K` or `-kK`. `Output` is `Value`, `Value?` or
/// `[Value]`.
public struct Option<Output: Sendable>: CommandParameter {
  public let parameter: Parameter
  private let convert: @Sendable ([any Sendable]) -> Output

  public func output(of values: [any Sendable]) -> Output { convert(values) }

  /// An option that reads as nil when it is not given.
  ///
  /// - Parameters:
  ///   - name: The name without dashes: `max-bytes`.
  ///   - short: The letter of the short form.
  ///   - placeholder: The word that stands for the value in help.
  ///   - kind: How its text is read.
  ///   - help: A phrase that says what it is for.
  public static func optional<Value>(
    _ name: String, short: Character? = nil, _ placeholder: String, _ kind: ValueKind<Value>,
    help: String
  ) -> Option where Output == Value? {
    Option(
      parameter: Parameter(
        .option, name, short: short, placeholder: placeholder, kind: kind, help: help),
      convert: { Values.all(of: $0, as: Value.self, parameter: name).last })
  }

  /// An option that must be given.
  public static func required(
    _ name: String, short: Character? = nil, _ placeholder: String, _ kind: ValueKind<Output>,
    help: String
  ) -> Option {
    Option(
      parameter: Parameter(
        .option, name, short: short, placeholder: placeholder, kind: kind, help: help,
        isRequired: true),
      convert: { Values.last(of: $0, as: Output.self, parameter: name) })
  }

  /// An option with a value for when it is not given; help shows it.
  public static func defaulting(
    _ name: String, short: Character? = nil, _ placeholder: String, _ kind: ValueKind<Output>,
    to value: Output, help: String
  ) -> Option {
    Option(
      parameter: Parameter(
        .option, name, short: short, placeholder: placeholder, kind: kind, help: help,
        defaultText: kind.format(value)),
      convert: { Values.all(of: $0, as: Output.self, parameter: name).last ?? value })
  }

  /// An option that may be given several times.
  public static func repeating<Value>(
    _ name: String, short: Character? = nil, _ placeholder: String, _ kind: ValueKind<Value>,
    help: String
  ) -> Option where Output == [Value] {
    Option(
      parameter: Parameter(
        .option, name, short: short, placeholder: placeholder, kind: kind, help: help,
        isRepeating: true),
      convert: { Values.all(of: $0, as: Value.self, parameter: name) })
  }
}

/// An option without a value: true when it is given.
public struct Flag: CommandParameter {
  public let parameter: Parameter

  /// Declares a flag by its name without dashes.
  public init(_ name: String, short: Character? = nil, help: String) {
    let nothing = ValueKind<Bool> { _ throws(ValueError) in true }
    parameter = Parameter(.flag, name, short: short, kind: nothing, help: help)
  }

  public func output(of values: [any Sendable]) -> Bool { !values.isEmpty }
}

/// Gives parsed values their types back; the parser made each with the `ValueKind` of the same
/// declaration, so another type is a mistake of the program, not of its user.
private enum Values {
  static func all<Value>(
    of values: [any Sendable], as type: Value.Type, parameter: String
  ) -> [Value] {
    values.map { value in
      guard let typed = value as? Value else {
        preconditionFailure("two parameters of one command are named '\(parameter)'")
      }
      return typed
    }
  }

  static func last<Value>(
    of values: [any Sendable], as type: Value.Type, parameter: String
  ) -> Value {
    guard let value = all(of: values, as: type, parameter: parameter).last else {
      preconditionFailure("'\(parameter)' is read but not declared by this command")
    }
    return value
  }
}

internal import CommandLineInterface
internal import CommitLog
internal import Integrity
internal import PlatformIO

/// `piperoll key`: makes keys.
enum KeyCommand: ExecutableCommand {
  /// What is done.
  enum Action: String, CaseIterable, Sendable { case generate }
  /// Whose key it is.
  enum Kind: String, CaseIterable, Sendable { case log, witness }

  static let action = Argument<Action>.required("ACTION", .choice(), help: "generate: make a key")
  static let name = Argument<KeyName>.required(
    "NAME", .keyName, help: "whose key it is, by custom a URL without its scheme")
  static let kind = Option<Kind>.required(
    "kind", "KIND", .choice(),
    help: "what it signs: log (checkpoints of a log) or witness (cosignatures)")
  static let out = Option<String>.required(
    "out", "FILE", .path, help: "a file that is made, readable for its owner alone")

  static let declaration = Command(
    "key", summary: "make keys that sign checkpoints",
    discussion: """
      Makes an Ed25519 key from the randomness of the machine. The file holds the secret key in the \
      form of Go's sumdb/note; an existing file is never replaced. The public key is printed: logs \
      and witnesses are told of each other by it.
      """,
    parameters: [action, name, kind, out],
    examples: [
      .init(
        "piperoll key generate witness.example/one --kind witness --out witness.key",
        "makes a witness's key, and prints what others need to verify its cosignatures")
    ])

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    let random = console.environment.random
    let seed = (0..<4).flatMap { _ in
      let word = random.next()
      return (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    }
    let key: NoteSignerKey
    do throws(NoteError) {
      key = try NoteSignerKey(
        name: arguments[name],
        kind: arguments[kind] == .log ? .ed25519 : .ed25519Cosignature, seed: seed)
    } catch {
      throw .message("\(error)")
    }
    let path = arguments[out]
    try KeyFile.write(key, to: path, console.environment.fileSystem)
    if arguments[Flag.json] {
      var json = JSONWriter()
      json.beginObject()
      json.member("name", "\(key.verifier.name)")
      json.member("kind", arguments[kind].rawValue)
      json.member("vkey", key.verifier.text)
      json.member("file", path)
      json.endObject()
      try console.write(json)
    } else {
      try console.write("\(key.verifier.text)\n")
    }
    return .success
  }
}

extension ValueKind where Value == KeyName {
  /// The name of a key.
  static var keyName: ValueKind {
    ValueKind { text throws(ValueError) in
      guard let name = KeyName(text), escapedForTerminal(text) == text else {
        throw ValueError("is no name of a key; leave out spaces, plus signs and control characters")
      }
      return name
    }
  }
}

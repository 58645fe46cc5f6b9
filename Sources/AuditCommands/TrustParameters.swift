internal import CommandLineInterface
internal import Integrity

/// Parameters that say whom to believe; nothing of it is ever taken from a log.
enum Trust {
  static let keys = Option<[NoteVerifierKey]>.repeating(
    "key", short: "k", "VKEY", .verifierKey,
    help: "a public key of the log, name+hash+key as 'piperoll key generate' prints it")
  static let origin = Option<String?>.optional(
    "origin", "NAME", .string,
    help:
      "the store's name in its checkpoints, and with /streams/ and a name behind it in those of "
      + "streams; by default that of the key")
  static let policy = Option<String?>.optional(
    "policy", "FILE", .path, help: "whose cosignatures a checkpoint needs (C2SP tlog-policy)")

  /// The policy of the command line.
  static func policy(_ arguments: ParsedArguments) throws(AuditFailure) -> WitnessPolicy? {
    guard let path = arguments[policy] else { return nil }
    let bytes = try NamedFile.read(path, limit: WitnessPolicy.byteCountLimit, kind: "a policy")
    do throws(NoteError) { return try WitnessPolicy(bytes) } catch {
      throw .message("'\(TerminalText.escaped(path))': \(TerminalText.escaped("\(error)"))")
    }
  }
}

extension ValueKind where Value == NoteVerifierKey {
  /// A public key as text.
  static var verifierKey: ValueKind {
    ValueKind(format: { $0.text }) { text throws(ValueError) in
      do throws(NoteError) { return try NoteVerifierKey(text) } catch {
        throw ValueError("is refused: \(TerminalText.escaped("\(error)"))")
      }
    }
  }
}

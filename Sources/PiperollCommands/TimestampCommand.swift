internal import ByteCoding
internal import CommandLineInterface
internal import CommitLog
internal import Cryptography
internal import Integrity
internal import PlatformIO
internal import Quantities

/// `piperoll timestamp`: stamps of a time authority (RFC 3161) on checkpoints.
enum TimestampCommand: ExecutableCommand {
  /// What is done.
  enum Action: String, CaseIterable, Sendable { case request, verify }

  static let action = Argument<Action>.required(
    "ACTION", .choice(),
    help: "request: write what an authority is sent; verify: check what it answered")
  static let checkpoint = Option<String>.required(
    "checkpoint", "FILE", .path, help: "the checkpoint, signed by the log")
  static let key = Option<NoteVerifierKey>.required(
    "key", "VKEY", .noteKey,
    help: "the public key of the log; its signature is part of what is stamped")
  static let out = Option<String?>.optional(
    "out", "FILE", .path, help: "request: where it is written (application/timestamp-query)")
  static let nonce = Option<String?>.optional(
    "nonce", "HEX", .text,
    help: "verify: the nonce that 'request' printed; without it an old answer is taken too")
  static let response = Option<String?>.optional(
    "response", "FILE", .path, help: "verify: the authority's answer (application/timestamp-reply)")
  static let trusted = Option<String?>.optional(
    "ca", "FILE", .path, help: "verify: the root certificates that are trusted, in PEM form")

  static let declaration = Command(
    "timestamp", summary: "stamps of a time authority on checkpoints",
    discussion: """
      A stamp proves that the log had signed a checkpoint by the authority's time (RFC 3161). What is \
      stamped is the checkpoint with the log's own signature line, so cosignatures that come later do \
      not disturb it. Requests and answers are those of 'openssl ts', and of any public authority:

      curl --data-binary @q.tsq -H 'Content-Type: application/timestamp-query' URL > r.tsr
      """,
    parameters: [action, checkpoint, key, out, nonce, response, trusted],
    examples: [
      .init(
        "piperoll timestamp request --checkpoint c --key \"$(cat log.vkey)\" --out q.tsq",
        "writes a request, and prints its nonce"),
      .init(
        "piperoll timestamp verify --checkpoint c --key \"$(cat log.vkey)\" --response r.tsr --ca root.pem",
        "says when the authority saw the checkpoint"),
    ],
    exitCodes: [
      .init(.success, "done; verify: the stamp holds"),
      .init(.damaged, "verify: the stamp does not hold"),
      .init(.usage, "the command line is wrong, or reading or writing failed"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    let note = try EvidenceInput.note(arguments[checkpoint])
    let imprint: Digest
    do throws(NoteError) {
      imprint = try note.timestampImprint(signedBy: arguments[key])
    } catch {
      throw .message("'\(escapedForTerminal(arguments[checkpoint]))': \(error)")
    }
    return switch arguments[action] {
    case .request: try request(imprint, arguments, console)
    case .verify: try verify(imprint, arguments, console)
    }
  }

  private static func request(
    _ imprint: Digest, _ arguments: ParsedArguments, _ console: Console
  ) throws(CommandFailure) -> ExitCode {
    guard let out = arguments[out] else { throw .message("request needs --out") }
    var random = console.environment.random.next() | 1
    var nonce: [UInt8] = []
    for _ in 0..<8 {
      nonce.append(UInt8(truncatingIfNeeded: random))
      random >>= 8
    }
    let bytes: [UInt8]
    do throws(TimestampError) {
      bytes = try TimestampRequest(imprint: imprint, nonce: nonce).encoded()
    } catch {
      throw .message("\(error)")
    }
    try NamedFile.replace(out, with: bytes, console.environment.fileSystem)
    let digits = Hexadecimal.text(nonce)
    if arguments[Flag.json] {
      var json = JSONWriter()
      json.beginObject()
      json.member("file", out)
      json.member("nonce", digits)
      json.member("imprint", "\(imprint)")
      json.endObject()
      try console.write(json)
    } else {
      try console.write("\(digits)\n")
    }
    return .success
  }

  private static func verify(
    _ imprint: Digest, _ arguments: ParsedArguments, _ console: Console
  ) throws(CommandFailure) -> ExitCode {
    guard let path = arguments[response], let ca = arguments[trusted] else {
      throw .message("verify needs --response and --ca")
    }
    var nonce: [UInt8]?
    if let digits = arguments[Self.nonce] {
      guard let bytes = Hexadecimal.bytes(digits), !bytes.isEmpty else {
        throw .message("--nonce is no hexadecimal number; give what 'request' printed")
      }
      nonce = bytes
    }
    let trusted = try NamedFile.read(ca, limit: 1 << 20, kind: "root certificates")
    let bytes = try NamedFile.read(
      path, limit: TimestampResponse.byteCountLimit, kind: "a timestamp")
    let stamp: VerifiedTimestamp
    do throws(TimestampError) {
      stamp = try TimestampResponse(bytes).verify(
        imprint: imprint, nonce: nonce, trusted: trusted)
    } catch {
      console.writeError("piperoll timestamp: '\(escapedForTerminal(path))': \(error)\n")
      return .damaged
    }
    let time = RFC3339.format(
      Timestamp(rawValue: stamp.seconds &* 1_000_000_000 &+ Int64(stamp.nanoseconds)))
    if arguments[Flag.json] {
      var json = JSONWriter()
      json.beginObject()
      json.member("time", time)
      json.member("authority", stamp.authority)
      json.member("policy", stamp.policy)
      json.endObject()
      try console.write(json)
    } else {
      try console.write("stamped \(time) by \(escapedForTerminal(stamp.authority))\n")
    }
    return .success
  }
}

extension ValueKind where Value == NoteVerifierKey {
  /// A public key.
  static var noteKey: ValueKind {
    ValueKind { text throws(ValueError) in
      do throws(NoteError) { return try NoteVerifierKey(text) } catch {
        throw ValueError("is refused: \(error)")
      }
    }
  }
}

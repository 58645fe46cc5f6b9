internal import ByteCoding
internal import CommandLineInterface
internal import CommitLog
internal import EvidenceFiles
internal import Integrity
internal import LogCheckpoints
internal import PlatformIO
internal import Quantities

/// `piperoll evidence`: what outsiders check a store by.
enum EvidenceCommand: ExecutableCommand {
  /// What is done.
  enum Action: String, CaseIterable, Sendable {
    case checkpoint
    case prove
    case exportTiles = "export-tiles"
    case aggregate
  }

  /// What a proof is written as.
  enum ProofFormat: String, CaseIterable, Sendable {
    case tlogProof = "tlog-proof"
    case cose
  }

  static let action = Argument<Action>.required(
    "ACTION", .choice(),
    help:
      "checkpoint: sign how far the store has come; prove: prove one record; export-tiles: write "
      + "the log as static files; aggregate: take checkpoints of other logs into a stream")
  static let stream = Option<StreamName?>.optional(
    "stream", "STREAM", .streamName,
    help: "the stream; checkpoint and export-tiles take the store's own tree without it")
  static let offset = Option<Offset?>.optional(
    "offset", "N", .offset, help: "prove: the record's offset")
  static let key = Option<String?>.optional(
    "key", "FILE", .path,
    help: "checkpoint, cose: the log's secret key, as 'piperoll key generate' makes it")
  static let last = Option<String?>.optional(
    "last", "FILE", .path,
    help: "checkpoint: where the last checkpoint is kept, outside the store; made the first time")
  static let origin = Option<String?>.optional(
    "origin", "ORIGIN", .text,
    help: "checkpoint: the store's origin; by default the name of the key")
  static let policy = Option<String?>.optional(
    "policy", "FILE", .path,
    help:
      "checkpoint: ask the witnesses of this tlog-policy file, and fail without their quorum; "
      + "aggregate: take only what its quorum has cosigned, and know its logs")
  static let checkpoint = Option<[String]>.repeating(
    "checkpoint", "FILE", .path,
    help:
      "prove, export-tiles: the signed checkpoint, of the store or of the stream; aggregate: one of another "
      + "log, or a request to cosign it, which brings the proof")
  static let log = Option<[NoteVerifierKey]>.repeating(
    "log", "VKEY", .logKey,
    help:
      "aggregate: the public key of a log whose checkpoints are taken; its name is the log's origin"
  )
  static let tiles = Option<[String]>.repeating(
    "tiles", "DIR", .path,
    help: "aggregate: a log that export-tiles wrote: its checkpoint is taken, its tiles prove it")
  static let proofFormat = Option<ProofFormat>.defaulting(
    "proof-format", "FORMAT", .choice(), to: .tlogProof,
    help: "prove: tlog-proof (C2SP), or cose (a receipt of RFC 9942, signed with --key)")
  static let out = Option<String?>.optional(
    "out", "PATH", .path,
    help: "prove: the proof file (otherwise standard output); export-tiles: the directory")

  static let declaration = Command(
    "evidence", summary: "checkpoints and proofs for those who do not trust this machine",
    discussion: """
      checkpoint states how far each stream has come, makes that durable, and signs the root of the \
      tree over all statements (C2SP tlog-checkpoint). With --stream it signs that stream's own tree; \
      its origin is ORIGIN/streams/STREAM. What was signed last is compared first: a store that is an \
      older copy, or was changed, is never signed. Give each tree a --last file of its own.

      prove writes a C2SP .tlog-proof file: any program that knows the format can check it. The record's leaf \
      stands in its extra line. export-tiles writes the C2SP tlog-tiles of a log; doing it again \
      writes what was added. Both only read, also while a writer is at work.

      aggregate appends checkpoints of other logs to a stream with a tree, each as one record, so that one \
      witnessed log stands for thousands. It takes a checkpoint as a witness would: signed by a key that \
      was given, and going on from the newest one of its log in the stream. For that it needs a \
      consistency proof, from --tiles or from a request to cosign (C2SP tlog-witness); the first one of a \
      log needs none. What contradicts an earlier one is refused and named; the others are taken.
      """,
    parameters: [
      action, Shared.store, stream, offset, key, last, origin, policy, checkpoint, log, tiles,
      proofFormat, out,
      Shared.adopt,
    ],
    examples: [
      .init(
        "piperoll evidence checkpoint my.store --key log.key --last /var/lib/last",
        "signs the store, and prints the checkpoint"),
      .init(
        "piperoll evidence prove my.store --stream a --offset 7 --checkpoint c --out 7.tlog-proof",
        "proves that record 7 is in the log that was signed"),
      .init(
        "piperoll evidence aggregate parent --stream logs --log \"$(cat a.vkey)\" --tiles a-public",
        "takes the newest checkpoint of one log into the stream of all"),
    ],
    exitCodes: [
      .init(.success, "done"),
      .init(
        .damaged,
        "the store contradicts a checkpoint or its own tree, and nothing was signed; or a log contradicts "
          + "what it signed before"),
      .init(.usage, "the command line is wrong, or reading, writing or asking failed"),
      .init(.interrupted, "interrupted"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    switch arguments[action] {
    case .checkpoint: try sign(arguments, console)
    case .prove: try prove(arguments, console)
    case .exportTiles: try export(arguments, console)
    case .aggregate: try aggregate(arguments, console)
    }
  }

  static func needed<Value>(_ value: Value?, _ name: String, _ action: Action)
    throws(CommandFailure) -> Value
  {
    guard let value else { throw .message("\(action.rawValue) needs --\(name)") }
    return value
  }

  /// The checkpoint of an action that takes one.
  private static func oneNote(_ arguments: ParsedArguments, _ action: Action)
    throws(CommandFailure) -> SignedNote
  {
    let paths = arguments[checkpoint]
    guard paths.count <= 1 else {
      throw .message("\(action.rawValue) takes one --checkpoint")
    }
    return try EvidenceInput.note(try needed(paths.first, "checkpoint", action))
  }

  // MARK: checkpoint

  private static func sign(_ arguments: ParsedArguments, _ console: Console)
    throws(CommandFailure) -> ExitCode
  {
    let key = try KeyFile.read(try needed(arguments[key], "key", .checkpoint))
    let path = try needed(arguments[last], "last", .checkpoint)
    let policy = try arguments[policy].map { path throws(CommandFailure) in
      try EvidenceInput.policy(path)
    }
    let (folder, name) = try NamedFile.split(path)
    let file: CheckpointFile
    do throws(CheckpointFileError) {
      file = try CheckpointFile(
        opening: name, in: folder, fileSystem: console.environment.fileSystem)
    } catch {
      throw .message("\(error)")
    }
    let store = try openStore(arguments, console)
    defer { store.close() }
    var subject = Checkpointer.Subject.store
    if let name = arguments[stream] {
      subject = .stream(try opening { () throws(OpenError) in try store.stream(name) })
    }
    let checkpointer = Checkpointer(
      store, subject, origin: arguments[origin] ?? "\(key.verifier.name)", key: key, file: file)
    let before = file.checkpoint?.size ?? 0
    var note: SignedNote
    do throws(CheckpointError) { note = try checkpointer.checkpoint() } catch {
      console.writeError("evidence: \(error)\n")
      return error.exitCode
    }
    var code = ExitCode.success
    if let policy {
      (note, code) = try EvidenceInput.cosigned(
        note, before: before, policy, checkpointer, console)
    }
    if let out = arguments[out] {
      try NamedFile.replace(out, with: note.encoded, console.environment.fileSystem)
    } else {
      try console.write(String(decoding: note.encoded, as: UTF8.self))
    }
    return code
  }

  // MARK: prove

  private static func prove(_ arguments: ParsedArguments, _ console: Console)
    throws(CommandFailure) -> ExitCode
  {
    let stream = try needed(arguments[stream], "stream", .prove)
    let offset = try needed(arguments[offset], "offset", .prove)
    let note = try oneNote(arguments, .prove)
    let store = try openReader(arguments, console)
    let proof: ProofFile
    do throws(ProverError) {
      proof = try RecordProver(stream, of: store).proof(of: offset, under: note)
    } catch {
      console.writeError("evidence: \(error)\n")
      if case .evidence(.contradiction) = error { return .damaged }
      return .usage
    }
    let bytes =
      arguments[proofFormat] == .cose
      ? try receipt(proof, arguments).bytes : proof.encoded
    if let out = arguments[out] {
      try NamedFile.replace(out, with: bytes, console.environment.fileSystem)
    } else {
      try printing { () throws(OutputError) in try console.output.write(bytes.rawSpan) }
    }
    return .success
  }

  /// A proof as a receipt: of the leaf that the path of its file leads from.
  private static func receipt(_ proof: ProofFile, _ arguments: ParsedArguments)
    throws(CommandFailure) -> COSEReceipt
  {
    let signer = try KeyFile.read(try needed(arguments[key], "key", .prove))
    do throws(NoteError) {
      let checkpoint = try Checkpoint(text: proof.note.text)
      // Only a root that this key has signed is signed again, in another form.
      _ = try proof.note.verified(by: [signer.verifier])
      return try COSEReceipt(
        inclusion: InclusionProof(
          index: proof.index, size: checkpoint.size, path: proof.path), root: checkpoint.root,
        key: signer)
    } catch {
      throw .message("\(error)")
    }
  }

  // MARK: export-tiles

  private static func export(_ arguments: ParsedArguments, _ console: Console)
    throws(CommandFailure) -> ExitCode
  {
    let note = try oneNote(arguments, .exportTiles)
    let path = try needed(arguments[out], "out", .exportTiles)
    let store = try openReader(arguments, console)
    let tree: StreamTree
    do throws(EvidenceError) {
      if let name = arguments[stream] {
        tree = try store.tree(ofStream: name)
      } else {
        tree = try store.treeOfStatements()
      }
    } catch {
      throw .message("\(error)")
    }
    var progress = CommandProgress("export-tiles", console)
    var export = try using { () throws(FileSystemError) in
      try TileExport(tree, to: path, console.environment.fileSystem)
    }
    do throws(TileExportError) {
      try export.export(note) { files, allFiles in
        // A tile is 8 KiB, a bundle some more.
        progress.update(files << 13, of: allFiles << 13)
      }
    } catch {
      console.writeError("evidence: \(error)\n")
      switch error {
      case .otherTree, .evidence(.contradiction): return .damaged
      default: return .usage
      }
    }
    progress.finish()
    if arguments[Flag.json] {
      var json = JSONWriter()
      json.beginObject()
      json.member("written", export.writtenCount)
      json.member("skipped", export.skippedCount)
      json.endObject()
      try console.write(json)
    } else {
      try console.write(
        "\(export.writtenCount) files written, \(export.skippedCount) left as they are\n")
    }
    return .success
  }
}

extension CheckpointError {
  /// What the program ends with.
  fileprivate var exitCode: ExitCode {
    switch self {
    case .contradiction, .evidence(.contradiction), .file(.contradiction): .damaged
    default: .usage
    }
  }
}

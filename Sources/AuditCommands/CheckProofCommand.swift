internal import AuditReports
internal import ByteCoding
internal import CommandLineInterface
internal import Cryptography
internal import Integrity

/// `piperoll-audit check-proof`: whether a record is in a log.
enum CheckProofCommand: AuditCommand {
  static let file = Argument<String>.required(
    "FILE", .path, help: "the proof (C2SP tlog-proof, suffix .tlog-proof)")
  static let origin = Option<String?>.optional(
    "origin", "NAME", .string,
    help:
      "the log's name in the checkpoint; by default that of the key; for the log of a stream add "
      + "/streams/ and its name")
  static let leaf = Option<Digest?>.optional(
    "leaf", "HASH", .digest, help: "the hash of the leaf, 64 hexadecimal digits")
  static let entry = Option<String?>.optional(
    "entry", "FILE", .path, help: "the bytes of the leaf, of any log")

  static let parent = Option<String?>.optional(
    "parent", "FILE", .path,
    help:
      "the proof that the checkpoint in the first proof is a record of another log, which holds checkpoints "
      + "of many; --policy then speaks of that log's checkpoint")
  static let parentKeys = Option<[NoteVerifierKey]>.repeating(
    "parent-key", "VKEY", .verifierKey, help: "a public key of that other log")
  static let parentOrigin = Option<String?>.optional(
    "parent-origin", "NAME", .string,
    help: "that other log's name in its checkpoint; by default that of --parent-key")

  static let declaration = Command(
    "check-proof", summary: "tell whether a record is in a log",
    discussion: """
      Checks the signature of the checkpoint in the proof, its origin, with --policy the cosignatures of \
      witnesses, and that the path leads from the leaf to the checkpoint's root.

      The leaf is given as its hash, as its bytes, or as a record: its value in a file, and with it \
      everything else that it has, as 'piperoll read --json' shows it. The offset comes from the proof. \
      A proof under a checkpoint of the store leads by way of a statement, which is checked as well; of such \
      a proof the leaf may be the record's or the statement's.

      With --parent the whole way is checked: from the record to its log's checkpoint, and from that \
      checkpoint, byte by byte the record that 'piperoll evidence aggregate' made of it, to the checkpoint \
      of the parent and its witnesses.
      """,
    parameters: [
      file, Trust.keys, origin, Trust.policy, leaf, entry, parent, parentKeys, parentOrigin,
    ] + RecordParameters.all,
    exclusive: [[leaf, entry, RecordParameters.record]],
    examples: [
      .init(
        "piperoll-audit check-proof 7.tlog-proof --key \"$(cat log.vkey)\" --entry 7.leaf",
        "checks a proof against the bytes of its leaf"),
      .init(
        "piperoll-audit check-proof 7.tlog-proof --key \"$(cat log.vkey)\" --entry 7.leaf --parent "
          + "parent.tlog-proof --parent-key \"$(cat parent.vkey)\"",
        "checks it up to the checkpoint of a parent log"),
    ],
    exitCodes: [
      .init(.success, "the record is in the log"), .init(.damaged, "that is not proven"),
      .init(.usage, "the command line is wrong, or a file could not be read"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: AuditConsole) throws(AuditFailure)
    -> ExitCode
  {
    let keys = arguments[Trust.keys]
    guard let first = keys.first else {
      throw .message("give the log's public key with --key; a proof without one proves nothing")
    }
    let name = arguments[origin] ?? "\(first.name)"
    let policy = try Trust.policy(arguments)
    let above = try Above(arguments, policy)
    let bytes = try NamedFile.read(
      arguments[file], limit: ProofFile.byteCountLimit, kind: "a proof")
    let proof: ProofFile
    do throws(NoteError) { proof = try ProofFile(bytes) } catch {
      return try refuse("\(error)", arguments, console)
    }
    // A proof of the store leads from the record to a statement, and from that to the checkpoint.
    let record = proof.extra.flatMap { RecordProof($0) }.flatMap { $0.inner == nil ? nil : $0 }
    var hash = try hash(of: record?.leaf.offset ?? proof.index, arguments)
    let isByWay = record.map { hash == MerkleTree.leafHash($0.leaf.encoded) } ?? false
    if let record, isByWay {
      do throws(RecordProof.Failure) { try record.verify(index: proof.index) } catch {
        return try refuse(text(error), arguments, console)
      }
      hash = record.provenLeaf
    }
    let checkpoint: Checkpoint
    do throws(ProofFile.Failure) {
      checkpoint = try proof.verify(
        leaf: hash, origin: name, keys: keys, policy: above == nil ? policy : nil)
    } catch {
      return try refuse(text(error), arguments, console)
    }
    var vouched: Vouched?
    if let above {
      do throws(Refused) { vouched = try above.verify(proof) } catch {
        return try refuse(error.reason, arguments, console)
      }
    }
    try show(
      proof, isByWay ? record : nil, checkpoint, name, vouched, arguments, console)
    return .success
  }

  /// The hash of the leaf that the command line speaks of.
  private static func hash(of index: UInt64, _ arguments: ParsedArguments) throws(AuditFailure)
    -> Digest
  {
    if let hash = arguments[leaf] { return hash }
    if let path = arguments[entry] {
      let bytes = try NamedFile.read(path, limit: 65_535, kind: "a leaf")
      return MerkleTree.leafHash(bytes)
    }
    guard let record = try RecordParameters.leaf(at: index, arguments) else {
      throw .message("say what should be in the log: --leaf, --entry or --record")
    }
    return MerkleTree.leafHash(record.encoded)
  }

  private static func show(
    _ proof: ProofFile, _ record: RecordProof?, _ checkpoint: Checkpoint, _ origin: String,
    _ vouched: Vouched?,
    _ arguments: ParsedArguments, _ console: AuditConsole
  ) throws(AuditFailure) {
    var heads: StreamHeads?
    if case .heads(let stated) = record?.inner?.statement.content { heads = stated }
    guard !arguments[Flag.json] else {
      var json = JSONWriter()
      json.beginObject()
      json.member("index", proof.index)
      json.member("origin", origin)
      if let vouched {
        json.member("parentIndex", vouched.offset)
        json.member("parentOrigin", vouched.origin)
        json.member("parentRoot", "\(vouched.checkpoint.root)")
        json.member("parentSize", vouched.checkpoint.size)
      }
      json.member("proven", true)
      if let record, let heads {
        json.member("recordOffset", record.leaf.offset)
        json.member("recordStream", heads.name)
      }
      json.member("root", "\(checkpoint.root)")
      json.member("size", checkpoint.size)
      json.endObject()
      json.endDocument()
      return try console.write(json.bytes)
    }
    let subject =
      if let record, let heads {
        "record \(record.leaf.offset) of stream '\(TerminalText.escaped(heads.name))', by statement "
          + "\(proof.index),"
      } else {
        "leaf \(proof.index)"
      }
    let text =
      "PROVEN: \(subject) is in '\(TerminalText.escaped(origin))' of \(checkpoint.size) leaves, "
      + "root \(checkpoint.root)\n"
    let more = vouched.map {
      "        its checkpoint is record \($0.offset) in '\(TerminalText.escaped($0.origin))', checkpoint of "
        + "\($0.checkpoint.size) leaves, root \($0.checkpoint.root)\n"
    }
    try console.write(Array((text + (more ?? "")).utf8))
  }

  private static func refuse(
    _ reason: String, _ arguments: ParsedArguments, _ console: AuditConsole
  ) throws(AuditFailure) -> ExitCode {
    if arguments[Flag.json] {
      var json = JSONWriter()
      json.beginObject()
      json.member("problem", reason)
      json.member("proven", false)
      json.endObject()
      json.endDocument()
      try console.write(json.bytes)
    } else {
      try console.write(Array("NOT PROVEN: \(TerminalText.escaped(reason))\n".utf8))
    }
    return .damaged
  }
}

extension CheckProofCommand {
  static func text(_ failure: RecordProof.Failure) -> String {
    switch failure {
    case .index: "the leaf in the proof has another place than the proof says; ask for it again"
    case .statement: "the statement in the proof is not what its leaf commits to; ask for it again"
    case .proof(let error): "the way from the record to the statement: \(error)"
    }
  }

  static func text(_ failure: ProofFile.Failure) -> String {
    switch failure {
    case .note(let error): "\(error)"
    case .quorum:
      "too few witnesses of the policy have cosigned the checkpoint; ask for more of them"
    case .proof(let error): "\(error)"
    }
  }
}

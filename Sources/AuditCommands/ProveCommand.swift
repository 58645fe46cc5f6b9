internal import AuditVerification
internal import CommandLineInterface
internal import Integrity

/// `piperoll-audit prove`: proves one record of a store, without the engine.
enum ProveCommand: AuditCommand {
  static let store = Argument<String>.required(
    "STORE", .path, help: "the directory of a store or of a copy of it")
  static let stream = Option<String>.required(
    "stream", "STREAM", .string, help: "the stream of the record")
  static let offset = Option<UInt64>.required("offset", "N", .offset, help: "the record's offset")
  static let checkpoint = Option<String>.required(
    "checkpoint", short: "c", "FILE", .path,
    help: "a signed checkpoint of the store or of the stream, that covers the record")
  static let output = Option<String?>.optional(
    "output", short: "o", "FILE", .path,
    help: "where the proof is written; otherwise standard output")
  static let jobs = Option<Int>.defaulting(
    "jobs", short: "j", "N", .integer(in: 0...1_024), to: 0, help: "threads; 0 for one a processor")

  static let declaration = Command(
    "prove", summary: "prove one record of a store",
    discussion: """
      Makes the tree again from the records, compares its root with that of the checkpoint, and writes a C2SP \
      .tlog-proof file, which check-proof and any program that knows the format can check. The record's \
      leaf stands in its extra line.

      The signatures of the checkpoint are not looked at: whoever checks the proof does that, with a key of his \
      own. A record that was removed can be proven under a checkpoint of its stream, where a statement keeps \
      its hash; the proof then has no extra line.
      """,
    parameters: [store, stream, offset, checkpoint, output, jobs],
    examples: [
      .init(
        "piperoll-audit prove my.store --stream orders --offset 7 -c monday.checkpoint -o 7.tlog-proof",
        "proves that record 7 is in the log that was signed on Monday")
    ],
    exitCodes: [
      .init(.success, "the proof is written"),
      .init(.damaged, "the store contradicts the checkpoint"),
      .init(.usage, "the command line is wrong, or a file could not be read or written"),
      .init(.incomplete, "the record was removed, and too little of it was kept for a proof"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: AuditConsole) throws(AuditFailure)
    -> ExitCode
  {
    let path = arguments[checkpoint]
    let bytes = try NamedFile.read(path, limit: SignedNote.byteCountLimit, kind: "a checkpoint")
    let note: SignedNote
    do throws(NoteError) { note = try SignedNote(bytes) } catch {
      throw .message("'\(TerminalText.escaped(path))': \(TerminalText.escaped("\(error)"))")
    }
    let proof: ProofFile
    do throws(RecordProofError) {
      proof = try StoredRecord(
        at: arguments[offset], ofStream: arguments[stream], in: arguments[store],
        fileSystem: console.fileSystem, workerCount: arguments[jobs]
      ).proof(under: note)
    } catch {
      guard error.isContradiction || error.isAboutRemoval else { throw .message("\(error)") }
      console.writeError("piperoll-audit prove: \(error)\n")
      return error.isContradiction ? .damaged : .incomplete
    }
    if let path = arguments[output] {
      try NamedFile.write(proof.encoded, to: path)
      if arguments[Flag.json] { try console.write(json(proof)) }
    } else {
      try console.write(arguments[Flag.json] ? json(proof) : proof.encoded)
    }
    return .success
  }

  private static func json(_ proof: ProofFile) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("hasLeaf", proof.extra != nil)
    json.member("index", proof.index)
    json.member("proof", String(decoding: proof.encoded, as: UTF8.self))
    json.endObject()
    json.endDocument()
    return json.bytes
  }
}

extension ValueKind where Value == UInt64 {
  /// An offset.
  static var offset: ValueKind {
    ValueKind { text throws(ValueError) in
      let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
      guard isNumber, let number = UInt64(text), number <= UInt64(Int64.max) else {
        throw ValueError("is not an offset; use a whole number from 0 to \(Int64.max)")
      }
      return number
    }
  }
}

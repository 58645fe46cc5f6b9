internal import CommandLineInterface
internal import CommitLog
internal import Cryptography
internal import Integrity
internal import LogCheckpoints
internal import PlatformIO
internal import Quantities

/// `piperoll evidence aggregate`: checkpoints of other logs, as records of one.
extension EvidenceCommand {
  /// What is offered to the parent.
  private struct Offer {
    let note: SignedNote
    /// The request that it came in, with a proof.
    var request: WitnessRequest?

    /// Reads a file: a checkpoint, or a request to cosign one.
    init(file path: String) throws(CommandFailure) {
      let bytes = try NamedFile.read(path, limit: SignedNote.byteCountLimit, kind: "a checkpoint")
      do throws(NoteError) {
        // No checkpoint begins like a request: its second line is a number.
        if bytes.starts(with: Array("old ".utf8)), let request = try? WitnessRequest(bytes) {
          (note, self.request) = (request.note, request)
        } else {
          note = try SignedNote(bytes)
        }
        _ = try Checkpoint(text: note.text)
      } catch {
        throw .message("\(error)")
      }
    }

    /// Reads what a log was exported to.
    init(folder path: String, _ console: Console) throws(CommandFailure) {
      do throws(TileFolderError) {
        note = try TileFolder.checkpoint(path, console.environment.fileSystem)
      } catch {
        throw .message("\(error)")
      }
    }

    var checkpoint: Checkpoint? { try? Checkpoint(text: note.text) }
  }

  static func aggregate(_ arguments: ParsedArguments, _ console: Console)
    throws(CommandFailure) -> ExitCode
  {
    let name = try needed(arguments[stream], "stream", .aggregate)
    let (files, folders) = (arguments[checkpoint], arguments[tiles])
    guard !(files.isEmpty && folders.isEmpty) else {
      throw .message("aggregate needs --checkpoint or --tiles")
    }
    let policy = try arguments[policy].map { path throws(CommandFailure) in
      try EvidenceInput.policy(path)
    }
    let store = try openStore(arguments, console)
    defer { store.close() }
    let parent = try opening { () throws(OpenError) in try store.stream(name) }
    let aggregator: CheckpointAggregator
    do throws(AggregationError) {
      aggregator = try CheckpointAggregator(
        parent, of: store, keys: arguments[log], policy: policy)
    } catch {
      throw .message("\(error)")
    }
    var code = ExitCode.success
    for (path, isFolder) in files.map({ ($0, false) }) + folders.map({ ($0, true) }) {
      if console.isInterrupted { throw .interrupted }
      let shown = escapedForTerminal(path)
      do throws(CommandFailure) {
        let offer = isFolder ? try Offer(folder: path, console) : try Offer(file: path)
        if let error = try take(offer, path, aggregator, folders, arguments, console) {
          console.writeError("evidence: '\(shown)': \(error)\n")
          if error.isContradiction { code = .damaged } else if code == .success { code = .usage }
        }
      } catch {
        guard let message = error.message else { throw error }
        // One that cannot be read does not keep the others out.
        console.writeError("evidence: '\(shown)': \(message)\n")
        if code == .success { code = .usage }
      }
    }
    return code
  }

  /// Offers one checkpoint; why it was refused, or `nil`.
  private static func take(
    _ offer: Offer, _ path: String, _ aggregator: CheckpointAggregator, _ folders: [String],
    _ arguments: ParsedArguments, _ console: Console
  ) throws(CommandFailure) -> AggregationError? {
    let answer: CheckpointAggregator.Answer
    do throws(AggregationError) {
      if let request = offer.request {
        answer = try aggregator.add(request)
      } else {
        answer = try aggregator.add(offer.note) { (held, size) throws(AggregationError) in
          try proof(from: held, to: size, of: offer, folders, console)
        }
      }
    } catch {
      return error
    }
    guard let checkpoint = offer.checkpoint else { return nil }
    let (offset, isNew) =
      switch answer {
      case .appended(let offset): (offset, true)
      case .known(let offset): (offset, false)
      }
    let origin = String(decoding: checkpoint.origin, as: UTF8.self)
    if arguments[Flag.json] {
      var json = JSONWriter()
      json.beginObject()
      json.member("file", path)
      json.member("origin", origin)
      json.member("size", checkpoint.size)
      json.member("offset", offset.rawValue)
      json.member("appended", isNew)
      json.endObject()
      try console.write(json)
    } else {
      try console.write(
        "\(escapedForTerminal(origin)), size \(checkpoint.size): "
          + (isNew ? "appended as record \(offset)\n" : "known, record \(offset)\n"))
    }
    return nil
  }

  /// The proof between two sizes of a log from the tiles of that log, where they were given.
  private static func proof(
    from held: UInt64, to size: UInt64, of offer: Offer, _ folders: [String], _ console: Console
  ) throws(AggregationError) -> [Digest]? {
    let fileSystem = console.environment.fileSystem
    for folder in folders {
      guard let note = try? TileFolder.checkpoint(folder, fileSystem),
        let newest = try? Checkpoint(text: note.text), newest.origin == offer.checkpoint?.origin,
        newest.size >= size
      else { continue }
      do throws(TileFolderError) {
        return try TileFolder(folder, size: newest.size, fileSystem)
          .consistencyProof(oldSize: held, size: size).path
      } catch {
        throw .tiles(error)
      }
    }
    return nil
  }
}

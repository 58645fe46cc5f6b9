internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import PlatformIO

/// Checkpoints that were given: who signed them, and which tree of the store they speak of.
struct CheckpointAudit {
  /// A checkpoint that is believed to be of this store.
  struct Claim {
    /// Which of ``results``.
    var index: Int
    /// The stream whose tree it names.
    var streamName: String
    var size: UInt64
    var root: Digest
  }

  private(set) var results: [CheckpointResult] = []
  private(set) var claims: [Claim] = []
  private(set) var findings: [Finding] = []
  private(set) var unchecked: [Unchecked] = []

  init(_ options: AuditOptions, streamNames: [String]) {
    for checkpoint in options.checkpoints {
      read(checkpoint, options, streamNames)
    }
    if options.checkpoints.isEmpty {
      unchecked.append(
        Unchecked(
          .checkpoint,
          "no checkpoint was given, so a log that was made anew is not told from this one"))
    }
    if options.policy == nil {
      unchecked.append(
        Unchecked(.witnesses, "no policy was given, so nobody else is known to have seen the log"))
    }
    if options.checkpoints.isEmpty || options.keys.isEmpty && options.policy?.logs.isEmpty != false
    {
      unchecked.append(
        Unchecked(
          .signature, wasAskedFor: !options.checkpoints.isEmpty,
          "no key was given, so it is not known who signed"))
    }
  }

  private mutating func read(
    _ given: AuditOptions.Checkpoint, _ options: AuditOptions, _ streamNames: [String]
  ) {
    let place = Finding.Place(file: given.path)
    let note: SignedNote
    let checkpoint: Integrity.Checkpoint
    do throws(NoteError) {
      note = try SignedNote(given.bytes)
      checkpoint = try Integrity.Checkpoint(text: note.text)
    } catch {
      return findings.append(.at(place, .untrustedCheckpoint, "it is no checkpoint: \(error)"))
    }
    let origin = String(decoding: checkpoint.origin, as: UTF8.self)
    var result = CheckpointResult(
      path: given.path, origin: origin, size: checkpoint.size, root: "\(checkpoint.root)")
    let isTrusted = verify(note, options, &result, place)
    let index = results.count
    if isTrusted {
      let origins = options.origin.map { [$0] } ?? result.signers
      if let name = Self.streamName(origin, origins, streamNames) {
        claims.append(
          Claim(index: index, streamName: name, size: checkpoint.size, root: checkpoint.root))
      } else if !origins.isEmpty {
        findings.append(
          .at(
            place, .untrustedCheckpoint,
            "it is of '\(escapedForTerminal(origin))', which is not the log that was named"))
      }
    }
    results.append(result)
  }

  /// Looks at signatures and cosignatures; false when the checkpoint is not to be believed.
  private mutating func verify(
    _ note: SignedNote, _ options: AuditOptions, _ result: inout CheckpointResult,
    _ place: Finding.Place
  ) -> Bool {
    var keys = options.keys
    for log in options.policy?.logs ?? [] where !keys.contains(log.key) { keys.append(log.key) }
    var isTrusted = true
    if !keys.isEmpty {
      do throws(NoteError) {
        result.signers = try note.verified(by: keys).map { "\($0.name)" }
      } catch {
        isTrusted = false
        findings.append(Self.finding(error, place))
      }
    } else if options.origin == nil {
      isTrusted = false
    }
    do throws(NoteError) {
      let witnesses = (options.policy?.witnessKeys ?? []) + keys
      result.witnesses = try Cosignature.verified(note, by: witnesses).map {
        CheckpointResult.Witnessed(name: "\($0.name)", time: $0.time)
      }
      if let policy = options.policy {
        let isQuorum = try policy.isSatisfied(by: note)
        result.isQuorum = isQuorum
        if !isQuorum {
          findings.append(
            .at(place, .missingWitness, "too few of the policy's witnesses have seen it"))
        }
      }
    } catch {
      isTrusted = false
      findings.append(Self.finding(error, place))
    }
    return isTrusted
  }

  private static func finding(_ error: NoteError, _ place: Finding.Place) -> Finding {
    if case .signature = error { return .at(place, .badSignature, "\(error)") }
    return .at(place, .untrustedCheckpoint, "\(error)")
  }

  /// The stream that an origin names.
  private static func streamName(_ origin: String, _ origins: [String], _ names: [String])
    -> String?
  {
    for known in origins {
      if origin == known { return Statement.streamName }
      let prefix = known + "/streams/"
      guard origin.hasPrefix(prefix), let name = unescaped(origin.dropFirst(prefix.count)) else {
        continue
      }
      // A stream that is not there is one that was cut off as a whole.
      return names.first { $0.utf8.elementsEqual(name.utf8) } ?? name
    }
    return nil
  }

  /// A stream's name as checkpoints have it, read back.
  static func unescaped(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == 0x25 else {
        bytes.append(byte)
        continue
      }
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      guard digits.utf8.count == 2, let value = Hexadecimal.number(digits.lowercased(), count: 2)
      else { return nil }
      bytes.append(UInt8(truncatingIfNeeded: value))
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// Compares a checkpoint with what the store has.
  ///
  /// - Parameters:
  ///   - root: The root at its size; `nil` when it could not be made.
  ///   - size: Leaves that the store has; `nil` when it has no such tree.
  mutating func compare(_ claim: Claim, root: Digest?, size: UInt64?, streamID: UInt64?) {
    let path = results[claim.index].path
    var place = Finding.Place(streamID: streamID, streamName: claim.streamName)
    if claim.size > size ?? 0 {
      results[claim.index].isConfirmed = false
      place.offsets = (size ?? 0)..<claim.size
      findings.append(
        .at(
          place, .truncated,
          "the checkpoint '\(escapedForTerminal(path))' is of \(claim.size) leaves, and the log has "
            + "\(size ?? 0)"))
    } else if let root {
      results[claim.index].isConfirmed = root == claim.root
      guard root != claim.root else { return }
      place.offsets = 0..<claim.size
      findings.append(
        .at(
          place, .rewritten, .broken, .edit,
          "the checkpoint '\(escapedForTerminal(path))' has another root over its \(claim.size) "
            + "leaves"))
    } else {
      unchecked.append(
        Unchecked(
          .checkpoint, streamName: claim.streamName, wasAskedFor: true,
          "the root at size \(claim.size), which '\(escapedForTerminal(path))' names, cannot be made "
            + "from what was read"))
    }
  }
}

public import AuditVerification

extension Finding.Rule {
  /// What is wrong, in a few words.
  public var title: String {
    switch self {
    case .damagedBytes: "Damaged bytes"
    case .contradiction: "A contradiction in the files"
    case .changedRecords: "Changed records"
    case .brokenChain: "A broken chain"
    case .unboundHeads: "Chain and tree that do not belong together"
    case .missingRecords: "Missing records"
    case .missingFile: "A missing file"
    case .foreignFile: "A file from elsewhere"
    case .truncated: "A log that was cut"
    case .rewritten: "A log that was rewritten"
    case .untrustedCheckpoint: "A checkpoint that proves nothing"
    case .badSignature: "A signature that does not hold"
    case .missingWitness: "Too few witnesses"
    case .wrongIndex: "A wrong index"
    case .falseStatement: "A false statement"
    case .wrongSeal: "A wrong seal"
    case .unexpectedBytes: "Unexpected bytes"
    case .newer: "Made by a newer program"
    }
  }

  /// What that means, for readers who are no programmers.
  public var explanation: String {
    switch self {
    case .damagedBytes:
      "Bytes of a file no longer fit the checksum that was stored with them. Failing disks, cables and "
        + "interrupted copies leave such damage."
    case .contradiction:
      "A part of a file is whole, and yet it contradicts itself or its neighbours. A checksum does not "
        + "notice that, because it was made over the contradiction."
    case .changedRecords:
      "The records are not those that the log had when their hashes were made. At least one record of the "
        + "range was changed, or another was put in its place."
    case .brokenChain:
      "Each group of records names the hash of the group before it. Here a group names another one: "
        + "something in between was taken out, put in, or put elsewhere."
    case .unboundHeads:
      "The log keeps two kinds of evidence, a chain and a tree, that must speak of the same records. Here "
        + "they do not: one of them was changed without the other."
    case .missingRecords:
      "Records are gone, and the log does not state that it removed them, or why. Records that were "
        + "removed in order leave a statement with their hashes."
    case .missingFile:
      "The log names a file that is not there. What it held cannot be audited."
    case .foreignFile:
      "A file of another log, or of another place in this one, stands here under the name of the right one."
    case .truncated:
      "Evidence from an earlier time says that the log was longer than it is now. Its end was cut off, or "
        + "an old copy was put back."
    case .rewritten:
      "Evidence from an earlier time speaks of another log of the same name and length. The records, or "
        + "the whole log, were made anew afterwards."
    case .untrustedCheckpoint:
      "A checkpoint was given that is of another log, or that nobody signed whose key was given. It can "
        + "neither confirm nor contradict this log."
    case .badSignature:
      "A signature bears the name of a known key and was not made with it over this text. The text was "
        + "changed after it was signed, or somebody else signed it."
    case .missingWitness:
      "Fewer witnesses than the policy asks for have confirmed that they saw the checkpoint. Without them "
        + "the owner of the log could show different logs to different people."
    case .wrongIndex:
      "An index, by which records are found, answers otherwise than the records themselves. Records could "
        + "be hidden from a search although they are there."
    case .falseStatement:
      "The log states something about itself that is not true."
    case .wrongSeal:
      "A seal, which fixes what was written in a span of time, does not fit its data or its neighbours. "
        + "Old records may have been sealed again at a later time."
    case .unexpectedBytes:
      "There are bytes where none should be. Nothing vouches for them, and no record depends on them."
    case .newer:
      "A newer program made this part. This program does not understand it and has not judged it."
    }
  }

  /// What one can do about it.
  public var advice: String {
    switch self {
    case .damagedBytes, .contradiction, .missingFile, .foreignFile, .wrongIndex:
      "Keep this copy as it is. Restore the file from another copy, and audit that."
    case .changedRecords, .brokenChain, .unboundHeads, .missingRecords, .falseStatement, .wrongSeal:
      "Keep this copy as it is. Compare it with another copy of the log, from a backup for instance."
    case .truncated, .rewritten:
      "Keep this copy and the checkpoint as they are. Ask for the log as it was when the checkpoint was made."
    case .untrustedCheckpoint, .badSignature:
      "Ask the owner of the log for the checkpoint and for the key, each on a way you trust."
    case .missingWitness:
      "Ask the owner of the log for the checkpoint with the cosignatures of more witnesses."
    case .unexpectedBytes: "Note it; nothing needs to be done."
    case .newer: "Audit the log with the newest version of this program."
    }
  }
}

extension Finding.Severity {
  /// How bad it is, in a sentence.
  public var explanation: String {
    switch self {
    case .broken: "The evidence is contradicted, or something that it covers is gone."
    case .warning: "Nothing that the evidence covers is concerned."
    }
  }
}

extension Finding.Origin {
  /// How the bytes came to be what they are, in a few words.
  public var title: String {
    switch self {
    case .rot: "rot"
    case .edit: "edit"
    case .unknown: "origin unknown"
    }
  }

  /// What that means, for readers who are no programmers.
  public var explanation: String {
    switch self {
    case .rot:
      "A device or a cable flipped what is named. When it is flipped back, the evidence holds again; that "
        + "does not happen by chance. No person's doing is needed to explain it."
    case .edit:
      "A person or a program changed it. What a device damages no longer fits its own checksum; here the "
        + "checksum fits, and only the evidence from outside does not."
    case .unknown: "What is left does not tell whether a device or a person changed it."
    }
  }
}

extension Finding.Place {
  /// The place in a phrase, without the file: `stream 'orders', offsets 256 to 511`; empty for the store.
  var logText: String {
    var parts: [String] = []
    if let streamName, !streamName.isEmpty {
      parts.append("stream '\(streamName)'")
    } else if let streamID {
      parts.append("stream \(streamID)")
    }
    if let offsets { parts.append(OffsetText.range(offsets)) }
    return parts.joined(separator: ", ")
  }

  /// The place in the file in a phrase: `0000001.seg, byte 4096 and 120 bytes on, bit 3`; empty for none.
  var fileText: String {
    var parts: [String] = []
    if let file { parts.append("file '\(file)'") }
    switch (position, byteCount) {
    case (let position?, let byteCount?) where byteCount > 1:
      parts.append("\(byteCount) bytes from byte \(position) on")
    case (let position?, _): parts.append("byte \(position)")
    case (nil, let byteCount?): parts.append("\(byteCount) bytes")
    case (nil, nil): break
    }
    if let bit { parts.append("bit \(bit)") }
    return parts.joined(separator: ", ")
  }
}

/// Offsets as people read them.
enum OffsetText {
  /// `offset 7`, `offsets 7 to 9`, the last one included; `no offsets` for an empty range.
  static func range(_ offsets: Range<UInt64>) -> String {
    if offsets.isEmpty { return "no offsets" }
    return offsets.upperBound - offsets.lowerBound == 1
      ? "offset \(bounds(offsets))" : "offsets \(bounds(offsets))"
  }

  /// `7`, `7 to 9`, the last one included; for a range that is not empty.
  static func bounds(_ offsets: Range<UInt64>) -> String {
    let last = offsets.isEmpty ? offsets.upperBound : offsets.upperBound - 1
    return last == offsets.lowerBound ? "\(last)" : "\(offsets.lowerBound) to \(last)"
  }
}

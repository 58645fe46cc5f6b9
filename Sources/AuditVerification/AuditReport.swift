public import Integrity

/// What an audit of a store, or of a part of it, came to: data only; how it is shown is decided elsewhere.
///
/// The same input gives the same report: it holds no time but those that stand in the input.
public struct AuditReport: Hashable, Sendable {
  /// What was audited, as the caller named it.
  public var path: String
  /// The store's identity as 32 hexadecimal digits; empty when no file told it.
  public var storeID: String
  /// What each stream came to, by number.
  public var streams: [StreamCoverage]
  /// Checkpoints that were given, by origin and size.
  public var checkpoints: [CheckpointResult]
  /// Removals, erasures and redactions that the store states, in the order of their statements.
  public var events: [StatedEvent]
  /// What the seals came to; `nil` unless they were verified.
  public var seals: SealCoverage?
  /// What is wrong, in the order of streams, offsets and positions.
  public var findings: [Finding]
  /// What could have been checked and was not, and what it would have taken.
  public var unchecked: [Unchecked]

  /// A report that says nothing yet.
  public init(path: String, storeID: String = "") {
    (self.path, self.storeID) = (path, storeID)
    (streams, checkpoints, events, findings, unchecked) = ([], [], [], [], [])
  }

  /// The answer to all questions together.
  public enum Verdict: String, Hashable, Sendable {
    /// All that is covered holds, and all that was asked for was checked. Exit code 0.
    case proven
    /// Something contradicts the evidence. Exit code 1.
    case broken
    /// Nothing contradicts it, and something that was asked for could not be checked. Exit code 3.
    case incomplete
  }

  /// The answer to all questions together.
  public var verdict: Verdict {
    if findings.contains(where: { $0.severity == .broken }) { return .broken }
    return unchecked.contains(where: \.wasAskedFor) ? .incomplete : .proven
  }
}

/// How much of a stream was audited, and where that ended.
public struct StreamCoverage: Hashable, Sendable {
  /// The stream's number in its store.
  public var streamID: UInt64
  /// Its name; empty when only a file of it was audited and does not tell.
  public var name: String
  /// What evidence it has; `nil` for none.
  public var coverage: EvidenceCoverage?
  /// First offset that is still there.
  public var firstOffset: UInt64
  /// Offset behind the last one found.
  public var nextOffset: UInt64
  /// Offset up to which chain and tree were made again and hold.
  public var evidencedOffset: UInt64
  /// Records that were read.
  public var recordCount: UInt64
  /// Groups that were made again and hold.
  public var groupCount: UInt64
  /// Segment files that were read.
  public var segmentCount: UInt64
  /// Bytes that were read.
  public var byteCount: UInt64
  /// Head of the chain, 64 hexadecimal digits; empty without evidence.
  public var head: String
  /// Root of the tree, 64 hexadecimal digits; empty without a tree.
  public var root: String
  /// Offset before which an earlier audit is relied upon; 0 for none.
  public var resumedOffset: UInt64

  /// Nothing yet.
  public init(streamID: UInt64, name: String, coverage: EvidenceCoverage?) {
    (self.streamID, self.name, self.coverage) = (streamID, name, coverage)
    (firstOffset, nextOffset, evidencedOffset) = (0, 0, 0)
    (recordCount, groupCount, segmentCount, byteCount) = (0, 0, 0, 0)
    (head, root, resumedOffset) = ("", "", 0)
  }
}

/// What a checkpoint that was given came to.
public struct CheckpointResult: Hashable, Sendable {
  /// The file it came in.
  public var path: String
  /// The log that it names.
  public var origin: String
  /// Leaves of the tree.
  public var size: UInt64
  /// Root of the tree, 64 hexadecimal digits.
  public var root: String
  /// Names of the keys whose signatures hold.
  public var signers: [String]
  /// Witnesses whose cosignatures hold, with the seconds since 1970-01-01 UTC at which they saw it.
  public var witnesses: [Witnessed]
  /// Whether the policy that was given is satisfied; `nil` without a policy.
  public var isQuorum: Bool?
  /// Whether the store has the tree that it names; `nil` when that could not be told.
  public var isConfirmed: Bool?

  /// A cosignature that holds.
  public struct Witnessed: Hashable, Sendable {
    /// The witness.
    public var name: String
    /// Seconds since 1970-01-01 UTC.
    public var time: UInt64
    /// A cosignature.
    public init(name: String, time: UInt64) { (self.name, self.time) = (name, time) }
  }

  /// A result.
  public init(path: String, origin: String, size: UInt64, root: String) {
    (self.path, self.origin, self.size, self.root) = (path, origin, size, root)
    (signers, witnesses, isQuorum, isConfirmed) = ([], [], nil, nil)
  }
}

/// A removal, erasure or redaction that the store states.
public struct StatedEvent: Hashable, Sendable {
  /// `removal`, `erasure` or `redaction`.
  public var kind: String
  /// Offset of the statement in the evidence stream.
  public var statementOffset: UInt64
  /// The stream that it is about; 0 for the whole store.
  public var streamID: UInt64
  /// That stream's name; empty when it is not known.
  public var streamName: String
  /// Offsets that it is about; empty for an erasure.
  public var offsets: Range<UInt64>
  /// When, in nanoseconds since 1970-01-01 UTC.
  public var time: Int64
  /// Why: the cause's name, or empty.
  public var cause: String
  /// Why, in the words of who did it.
  public var reason: String

  /// An event.
  public init(
    kind: String, statementOffset: UInt64, streamID: UInt64, streamName: String,
    offsets: Range<UInt64>, time: Int64, cause: String, reason: String
  ) {
    (self.kind, self.statementOffset, self.streamID) = (kind, statementOffset, streamID)
    (self.streamName, self.offsets, self.time) = (streamName, offsets, time)
    (self.cause, self.reason) = (cause, reason)
  }
}

/// Something that is wrong, or that a reader of the report should know.
public struct Finding: Hashable, Sendable {
  /// How bad it is.
  public enum Severity: String, Hashable, Sendable, CaseIterable {
    /// The evidence is contradicted, or something that it covers is gone.
    case broken
    /// Nothing that is covered, and yet not as it should be.
    case warning
  }

  /// How bytes came to be what they are.
  public enum Origin: String, Hashable, Sendable, CaseIterable {
    /// A device or a cable: changing back what is named makes the evidence hold again.
    case rot
    /// Somebody: what checks itself holds, and what covers it from outside does not.
    case edit
    /// It cannot be told.
    case unknown
  }

  /// What is wrong, a stable name for programs. The raw value is the rule's identity in every report.
  public enum Rule: String, Hashable, Sendable, CaseIterable {
    /// Bytes of a file contradict their own checksum.
    case damagedBytes = "damaged-bytes"
    /// A structure is intact and contradicts itself, or what stands beside it.
    case contradiction = "contradiction"
    /// Records are not those that chain or tree were made from.
    case changedRecords = "changed-records"
    /// A group does not go on from the one before it.
    case brokenChain = "broken-chain"
    /// Chain and tree, or what one statement says of both, do not belong together.
    case unboundHeads = "unbound-heads"
    /// Records are gone, and no statement says why.
    case missingRecords = "missing-records"
    /// A file that the store names is not there.
    case missingFile = "missing-file"
    /// A file of another store, another stream, or another place stands here.
    case foreignFile = "foreign-file"
    /// The log ends before what a checkpoint, a statement or an earlier audit knew.
    case truncated = "truncated"
    /// The log is another than the one that a checkpoint, a statement or an earlier audit knew.
    case rewritten = "rewritten"
    /// The checkpoint is of another log, or signed by nobody who was named.
    case untrustedCheckpoint = "untrusted-checkpoint"
    /// A signature or cosignature does not hold.
    case badSignature = "bad-signature"
    /// Too few witnesses have seen the checkpoint.
    case missingWitness = "missing-witness"
    /// An index answers otherwise than the records.
    case wrongIndex = "wrong-index"
    /// A statement of the store is not true.
    case falseStatement = "false-statement"
    /// A seal does not fit its epoch, its data or its neighbours.
    case wrongSeal = "wrong-seal"
    /// Bytes that nothing vouches for, where none should be.
    case unexpectedBytes = "unexpected-bytes"
    /// It was made by a newer program.
    case newer = "newer"
  }

  /// What is wrong.
  public var rule: Rule
  /// How bad it is.
  public var severity: Severity
  /// How it came about.
  public var origin: Origin
  /// What, in a sentence for people; it repeats the place.
  public var message: String
  /// Where.
  public var place: Place

  /// Where something is wrong; what does not apply is `nil`.
  public struct Place: Hashable, Sendable {
    /// The stream's number.
    public var streamID: UInt64?
    /// The stream's name.
    public var streamName: String?
    /// Offsets that are concerned.
    public var offsets: Range<UInt64>?
    /// The file, below the folder that was audited.
    public var file: String?
    /// First byte in the file.
    public var position: UInt64?
    /// Bytes from there on.
    public var byteCount: UInt64?
    /// The one bit that was flipped: its number in the byte at ``position``, 0 the lowest.
    public var bit: Int?

    /// A place.
    public init(
      streamID: UInt64? = nil, streamName: String? = nil, offsets: Range<UInt64>? = nil,
      file: String? = nil, position: UInt64? = nil, byteCount: UInt64? = nil, bit: Int? = nil
    ) {
      (self.streamID, self.streamName, self.offsets) = (streamID, streamName, offsets)
      (self.file, self.position, self.byteCount, self.bit) = (file, position, byteCount, bit)
    }
  }

  /// A finding.
  public init(
    _ rule: Rule, _ severity: Severity = .broken, _ origin: Origin = .unknown, at place: Place,
    _ message: String
  ) {
    (self.rule, self.severity, self.origin) = (rule, severity, origin)
    (self.message, self.place) = (message, place)
  }
}

/// Something that was not checked.
public struct Unchecked: Hashable, Sendable {
  /// What: a stable name for programs.
  public enum Subject: String, Hashable, Sendable, CaseIterable {
    /// Whether the log is the one that was signed: no checkpoint was given.
    case checkpoint
    /// Whether a tail was cut since some earlier time: no earlier checkpoint or audit was given.
    case history
    /// Who signed: no key was given, or none of it matches.
    case signature
    /// Whether others saw the same: no policy was given.
    case witnesses
    /// Records behind the last group, which chain and tree do not cover yet.
    case uncovered
    /// A stream without chain and tree.
    case unprotected
    /// Groups whose records were removed.
    case removed
    /// Seals: no key was given.
    case seals
    /// Payloads that only their subjects' keys open.
    case payloads
    /// What the store says elsewhere: one file alone was audited.
    case store
  }

  /// What was not checked.
  public var subject: Subject
  /// Why, and what it would take, in a sentence.
  public var reason: String
  /// The stream that is concerned; `nil` for all.
  public var streamName: String?
  /// Whether the caller had asked for it, so that the verdict cannot be ``AuditReport/Verdict/proven``.
  public var wasAskedFor: Bool

  /// Something unchecked.
  public init(
    _ subject: Subject, streamName: String? = nil, wasAskedFor: Bool = false, _ reason: String
  ) {
    (self.subject, self.streamName) = (subject, streamName)
    (self.wasAskedFor, self.reason) = (wasAskedFor, reason)
  }
}

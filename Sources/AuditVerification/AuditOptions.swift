public import Integrity
public import LogFormat
public import PlatformIO

/// What is audited, and against what.
public struct AuditOptions: Sendable {
  /// The folder of a store, or one segment file of it.
  public var path: String
  /// Checkpoints that were held, with the names by which the report has them.
  public var checkpoints: [Checkpoint] = []
  /// Keys that checkpoints are signed with.
  public var keys: [NoteVerifierKey] = []
  /// The log's origin. By default the names of the keys count; what the log says of itself never does.
  public var origin: String?
  /// Whose cosignatures a checkpoint needs.
  public var policy: WitnessPolicy?
  /// The epochs of seals and the first key, as `piperoll seal generate` made them for the verifier; never from
  /// the machine that writes the store. `nil`: seals are counted.
  public var sealPlan: SealPlan?
  /// The auditor's own time, in nanoseconds since 1970-01-01 UTC, with the difference of clocks that is
  /// allowed for: seals of a later time are refused.
  public var now = Int64.max
  /// What an earlier audit came to: only what was appended since is looked at.
  public var earlier: AuditState?
  /// Threads; 0 for one a processor.
  public var workerCount = 0
  /// Bounds of what is read.
  public var limits = FormatLimits()
  /// Bytes that are read at a time; less than this only to test how stretches join.
  public var chunkByteCount = 2 << 20
  /// Leaves that are kept while they wait for their group; less only to test how they are made again.
  var keptLeafLimit = LeafQueue.defaultLeafLimit

  /// A checkpoint as it was given.
  public struct Checkpoint: Hashable, Sendable {
    /// Its file, or another name for it.
    public var path: String
    /// The signed note.
    public var bytes: [UInt8]
    /// A checkpoint.
    public init(path: String, bytes: [UInt8]) { (self.path, self.bytes) = (path, bytes) }
  }

  /// The origins that the store may have, as the caller knows it.
  var origins: [String] {
    origin.map { [$0] } ?? (keys + (policy?.logs ?? []).map(\.key)).map { "\($0.name)" }
  }

  /// Whether there is all that it takes to verify seals.
  var verifiesSeals: Bool { sealPlan?.key != nil && !origins.isEmpty }

  /// An audit of a path alone.
  public init(path: String) { self.path = path }
}

/// What kept an audit from looking; what is wrong with a store is in the report.
public enum AuditError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There is neither a store nor a segment.
  case notAStore(path: String)
  /// The machine did not let files be read.
  case fileSystem(FileSystemError)
  /// The state of an earlier audit is of another store.
  case otherStore(expected: String, found: String)
  /// The caller ended it.
  case cancelled

  public var description: String {
    switch self {
    case .notAStore(let path):
      "'\(escapedForTerminal(path))' is neither a store nor a segment file; check the path"
    case .fileSystem(let error): "\(error)"
    case .otherStore(let expected, let found):
      "the earlier audit was of store \(expected), this is store \(found); audit it without that state"
    case .cancelled: "the audit was ended before it was done"
    }
  }
}

/// What an audit came to.
public struct AuditOutcome: Hashable, Sendable {
  /// What was found.
  public var report: AuditReport
  /// What a later audit can go on from; `nil` when there is nothing to vouch for.
  public var state: AuditState?

  /// An outcome.
  public init(report: AuditReport, state: AuditState?) {
    (self.report, self.state) = (report, state)
  }
}

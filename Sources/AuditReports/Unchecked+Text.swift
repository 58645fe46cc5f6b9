public import AuditVerification

extension Unchecked.Subject {
  /// What was not checked, in a few words.
  public var title: String {
    switch self {
    case .checkpoint: "Whether this is the log that was signed"
    case .history: "Whether the log was cut or rewritten since an earlier time"
    case .signature: "Who signed"
    case .witnesses: "Whether others saw the same log"
    case .uncovered: "The newest records"
    case .unprotected: "A stream without evidence"
    case .removed: "Records that were removed"
    case .seals: "Seals"
    case .payloads: "Encrypted contents"
    case .store: "The rest of the store"
    }
  }

  /// What that leaves open, for readers who are no programmers.
  public var explanation: String {
    switch self {
    case .checkpoint:
      "Somebody who made the whole log anew, with fitting hashes, would not be noticed without a checkpoint."
    case .history:
      "Records at the end can be cut off without a trace in the log itself. Only evidence kept from an "
        + "earlier time shows it."
    case .signature: "Without the key of the log nobody can be held to a checkpoint."
    case .witnesses:
      "The owner of the log could show different logs to different people, each with a valid signature."
    case .uncovered: "The hashes of the newest records are only made when their group is complete."
    case .unprotected:
      "Checksums were looked at, which find damage. They do not find changes that somebody made on purpose."
    case .removed: "The log has their hashes, and those were checked. What they said is gone."
    case .seals: "Seals show when records were written, and need a key to be checked."
    case .payloads:
      "That they are unchanged was checked. What they say can only be read with their keys."
    case .store: "Other files of the store may contradict what this one says."
    }
  }
}

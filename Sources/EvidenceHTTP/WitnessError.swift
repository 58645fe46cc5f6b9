public import Integrity
public import PlatformIO

/// Why a witness gave no cosignature.
public struct WitnessError: Error, Sendable {
  /// What went wrong.
  public enum Reason: Sendable {
    /// The base URL cannot be used.
    case url
    /// The key is not one that cosignatures of this kind are made with.
    case key(KeyName)
    /// The note holds no checkpoint.
    case note(NoteError)
    /// The caller could not prove that the tree goes on from a size.
    case proof(oldSize: UInt64, any Error)
    /// No answer came.
    case transport(TransportFailure)
    /// No thread could be started to ask.
    case thread(ThreadCreationError)
    /// 400: the witness cannot read the request, or it contradicts itself.
    case malformed
    /// 403: the witness knows no key that has signed the checkpoint.
    case unsigned
    /// 404: the witness does not witness this log, or is not there.
    case unknownLog
    /// 409: the witness has seen a tree of this size, which the checkpoint is smaller than, or which it
    /// named again after it had been given a proof from there.
    case conflict(size: UInt64)
    /// 413: the request is larger than the witness takes.
    case tooLarge
    /// 422: the checkpoint does not go on from what the witness has seen.
    case inconsistent
    /// 429: asked too often.
    case tooManyRequests
    /// 500 to 599: the witness or what stands before it is out of order.
    case unavailable(status: Int)
    /// Any other status.
    case status(Int)
    /// The answer is not what the status promises.
    case answer
    /// The answer has no line of the witness's key.
    case noCosignature
    /// A line of the witness's key does not verify over this checkpoint.
    case signature(NoteError)
  }

  /// The base URL of the witness.
  public let url: String
  /// What went wrong.
  public let reason: Reason

  init(_ url: String, _ reason: Reason) { (self.url, self.reason) = (url, reason) }
}

extension WitnessError: CustomStringConvertible {
  public var description: String { "witness '\(escapedForTerminal(url))': \(reason)" }
}

extension WitnessError.Reason: CustomStringConvertible {
  public var description: String {
    switch self {
    case .url: "not a base URL; write http://HOST/PREFIX or https, without '?', '#', '@' or spaces"
    case .key(let name):
      "the key of \(escapedForTerminal("\(name)")) is not an Ed25519 key for cosignatures; "
        + "ask the witness for that"
    case .note(let error): "nothing to cosign: \(error)"
    case .proof(let oldSize, let error):
      "it has seen \(oldSize) leaves, and no proof from there could be made: \(error)"
    case .transport(let failure): failure.description
    case .thread(let error): error.description
    case .malformed: "it cannot read the request (400); see whether it speaks C2SP tlog-witness"
    case .unsigned: "it knows no key that signed the checkpoint (403); tell it the log's key"
    case .unknownLog:
      "it does not know the log, or is not there (404); see to the URL, and tell it the origin"
    case .conflict(let size):
      "it has seen a tree of \(size) leaves (409), from which this checkpoint does not go on; the store "
        + "is an older copy, or somebody else submits for this log"
    case .tooLarge: "the request is too large for it (413); send fewer signatures"
    case .inconsistent:
      "the checkpoint contradicts what it has seen (422); the log has two histories, keep both "
        + "checkpoints as evidence"
    case .tooManyRequests: "asked too often (429); wait longer in between"
    case .unavailable(let status): "out of order (\(status)); try again later"
    case .status(let status): "it answers \(status), which no witness should; see to the URL"
    case .answer: "its answer cannot be read; see whether it speaks C2SP tlog-witness"
    case .noCosignature: "its answer has no line of its key; see to the key"
    case .signature(let error): "its cosignature is not worth anything: \(error)"
    }
  }
}

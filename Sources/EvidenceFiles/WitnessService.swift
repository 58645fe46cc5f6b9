internal import Cryptography
public import Integrity
public import PlatformIO
internal import Quantities

/// A witness at work (C2SP tlog-witness): answers requests to cosign, and keeps what it has seen of each log
/// in a ``CheckpointFile`` before the answer leaves. Methods may be called from any thread.
public final class WitnessService: Sendable {
  /// What is sent back.
  public struct Answer: Hashable, Sendable {
    /// The status of HTTP.
    public let status: Int
    /// What the body is.
    public let contentType: String
    /// The body.
    public let body: [UInt8]
  }

  private let key: NoteSignerKey
  private let witness: Witness
  private let time: any TimeSource
  /// By the name under which what was seen of a log is kept and shown: the digest of its origin.
  private let files: [String: LogFile]

  private final class LogFile: Sendable {
    /// Held while a request is judged.
    let file: Guarded<CheckpointFile>

    init(_ file: CheckpointFile) { self.file = Guarded(file) }
  }

  /// Starts a witness, or goes on where one was.
  ///
  /// - Parameters:
  ///   - key: The witness's key, of the kind for cosignatures.
  ///   - logs: Logs whose checkpoints are cosigned.
  ///   - folder: An existing folder for what was seen.
  ///   - fileSystem: Where it is.
  ///   - time: The clock whose seconds the cosignatures carry.
  /// - Throws: ``CheckpointFileError``; `.wrongKey` for keys that are not for cosignatures.
  public init(
    key: NoteSignerKey, logs: [Witness.Log], folder: String,
    fileSystem: any FileSystem = PosixFileSystem(), time: any TimeSource = SystemTime()
  ) throws(CheckpointFileError) {
    self.key = key
    self.time = time
    witness = Witness(logs: logs)
    guard key.verifier.kind == .ed25519Cosignature else {
      throw .wrongKey(name: key.verifier.name)
    }
    var files: [String: LogFile] = [:]
    for log in logs {
      let name = Self.fileName(of: log)
      guard files[name] == nil else { continue }
      files[name] = LogFile(
        try CheckpointFile(opening: name, in: folder, fileSystem: fileSystem))
    }
    self.files = files
  }

  private static func fileName(of log: Witness.Log) -> String {
    SHA256.digest(Array(log.origin.utf8)).description
  }

  /// Answers a request to cosign a checkpoint.
  ///
  /// - Parameter body: The body of the request.
  public func addCheckpoint(_ body: [UInt8]) -> Answer {
    do throws(Refusal) {
      return Self.text(200, try cosign(body), "text/plain; charset=utf-8")
    } catch {
      switch error {
      case .refused(.conflict(let size)):
        return Self.text(409, Array("\(size)\n".utf8), "text/x.tlog.size")
      case .refused(let refusal): return Self.text(refusal.status, [], "text/plain; charset=utf-8")
      case .failed:
        return Self.text(
          500, Array("what was seen could not be kept\n".utf8), "text/plain; charset=utf-8")
      }
    }
  }

  private enum Refusal: Error {
    case refused(Witness.Refusal)
    /// The answer is not to be given: it could not be kept, or not be signed.
    case failed
  }

  private static func text(_ status: Int, _ body: [UInt8], _ type: String) -> Answer {
    Answer(status: status, contentType: type, body: body)
  }

  private func cosign(_ body: [UInt8]) throws(Refusal) -> [UInt8] {
    guard let request = try? WitnessRequest(body) else { throw .refused(.malformed) }
    let log: Witness.Log
    do throws(Witness.Refusal) { log = try witness.log(of: request) } catch {
      throw .refused(error)
    }
    guard let place = files[Self.fileName(of: log)] else { throw .refused(.unknownOrigin) }
    return try place.file.withLock { file throws(Refusal) in
      try cosign(request, of: log.keys, file)
    }
  }

  private func cosign(
    _ request: WitnessRequest, of keys: [NoteVerifierKey], _ file: CheckpointFile
  ) throws(Refusal) -> [UInt8] {
    let last = file.checkpoint
    let seen = last.map { Witness.State(size: $0.size, root: $0.root) } ?? .nothing
    do throws(Witness.Refusal) { _ = try witness.judge(request, after: seen) } catch {
      throw .refused(error)
    }
    // What the log signed, as was just verified, and what we sign; lines of others are not ours to show.
    var note = request.note
    note.lines.removeAll { line in !keys.contains { $0.name == line.name && $0.id == line.keyID } }
    let seconds = max(1, time.now().rawValue / 1_000_000_000)
    let line: SignedNote.Line
    do throws(NoteError) {
      line = try Cosignature.line(over: note.text, time: UInt64(seconds), key: key)
    } catch {
      throw .failed
    }
    note.lines.append(line)
    // Before the line is shown to anybody.
    do throws(CheckpointFileError) { try file.advance(to: note, from: last) } catch {
      throw .failed
    }
    return line.encoded
  }

  /// The latest checkpoint of a log with the witness's cosignature; `nil` when there is none.
  ///
  /// - Parameter name: The SHA-256 digest of the origin, in lower-case hexadecimal.
  public func latestCheckpoint(_ name: String) -> [UInt8]? {
    files[name]?.file.withLock { $0.note?.encoded } ?? nil
  }
}

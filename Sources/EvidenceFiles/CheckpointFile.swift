internal import Cryptography
public import Integrity
public import PlatformIO

/// The last checkpoint that left the machine, in a file of its own, outside the store it speaks of.
///
/// A log must never sign two checkpoints that contradict each other, whatever happens to its store: a copy
/// that is put back is older than what was signed. So each new checkpoint is first compared with the one in
/// this file and takes its place, durably, and only then may a signature be shown. One process at a time can
/// open a file; methods may be called from any thread.
public final class CheckpointFile: Sendable {
  private let folder: LockedFolder
  private let name: String
  /// The file, as an operator would look for it.
  public let path: String
  private let last: Guarded<SignedNote?>

  /// Opens a file, or makes ready for its first checkpoint.
  ///
  /// - Parameters:
  ///   - name: Name of the file in the folder, one path component.
  ///   - folder: An existing folder.
  ///   - fileSystem: Where it is.
  /// - Throws: ``CheckpointFileError``: `.fileSystem`, `.locked` when another process has it open,
  ///   `.damaged` when it holds no checkpoint.
  public init(
    opening name: String, in folder: String, fileSystem: any FileSystem = PosixFileSystem()
  ) throws(CheckpointFileError) {
    self.name = name
    let path = "\(folder)/\(name)"
    self.path = path
    do throws(FileSystemError) {
      self.folder = try LockedFolder(opening: folder, lockName: "\(name).lock", fileSystem)
    } catch {
      throw error.isLocked ? .locked(path: path) : .fileSystem(error)
    }
    last = Guarded(nil)
    let note = try read()
    last.withLock { $0 = note }
  }

  private func read() throws(CheckpointFileError) -> SignedNote? {
    let bytes: [UInt8]
    do throws(FileSystemError) {
      let file = try File(opening: name, in: folder.directory, .readOnly)
      let count = try file.status().byteCount
      guard count <= UInt64(SignedNote.byteCountLimit) else {
        throw FileSystemError(.read, path, .unsupported)
      }
      bytes = try file.copyBytes(Int(count), at: 0)
    } catch {
      if error.reason == .notFound { return nil }
      throw .fileSystem(error)
    }
    do throws(NoteError) {
      let note = try SignedNote(bytes)
      _ = try Checkpoint(text: note.text)
      return note
    } catch {
      throw .damaged(path: path, error)
    }
  }

  /// The checkpoint with its signatures, as it was put last; `nil` before the first.
  public var note: SignedNote? { last.withLock { $0 } }

  /// What was put last, without signatures; `nil` before the first.
  public var checkpoint: Checkpoint? { note.flatMap { try? Checkpoint(text: $0.text) } }

  /// Puts a checkpoint in the place of the last one, durably, unless it contradicts it.
  ///
  /// The caller proves that the tree has grown from the last one; what can be seen without a proof is
  /// refused here. After an error the file holds the old checkpoint or the new one, and this object the
  /// one that nothing may contradict: the caller must show no signature over the new one.
  ///
  /// - Parameters:
  ///   - note: The checkpoint, signed.
  ///   - expected: What the caller took for the last one: `nil` for none.
  /// - Throws: ``CheckpointFileError``: `.changed` when the last one is another than expected,
  ///   `.contradiction`, `.damaged` when the note holds no checkpoint, `.fileSystem`.
  public func advance(to note: SignedNote, from expected: Checkpoint?) throws(CheckpointFileError) {
    try last.withLock { last throws(CheckpointFileError) in
      let next: Checkpoint
      let current: Checkpoint?
      do throws(NoteError) {
        next = try Checkpoint(text: note.text)
        current = try last.map { note throws(NoteError) in try Checkpoint(text: note.text) }
      } catch {
        throw .damaged(path: path, error)
      }
      guard current == expected else { throw .changed(path: path) }
      if let current {
        let isSame = next.size == current.size && next.root == current.root
        guard next.origin == current.origin, next.size > current.size || isSame else {
          throw .contradiction(path: path, last: current.size, next: next.size)
        }
      }
      // Before the attempt: if it fails, nobody knows which of the two a restart will find, and only the
      // new one contradicts neither.
      last = note
      do throws(FileSystemError) {
        try folder.directory.replace(name, bytes: note.encoded)
      } catch {
        throw .fileSystem(error)
      }
    }
  }
}

/// Why a checkpoint could not be kept.
public enum CheckpointFileError: Error, Hashable, Sendable {
  /// The file system refused.
  case fileSystem(FileSystemError)
  /// Another process has the file open.
  case locked(path: String)
  /// No checkpoint stands where one should.
  case damaged(path: String, NoteError)
  /// The last checkpoint is not the one that was expected.
  case changed(path: String)
  /// The new checkpoint is smaller than the last, of the same size with another root, or of another
  /// log.
  case contradiction(path: String, last: UInt64, next: UInt64)
  /// A key signs otherwise than a witness must.
  case wrongKey(name: KeyName)
}

extension CheckpointFileError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .fileSystem(let error): error.description
    case .locked(let path):
      "'\(escapedForTerminal(path))' is open in another process; stop that one first"
    case .damaged(let path, let error):
      "'\(escapedForTerminal(path))': \(error); restore it from where the last checkpoint was sent"
    case .changed(let path):
      "'\(escapedForTerminal(path))' holds another checkpoint than expected; read it again"
    case .contradiction(let path, let last, let next):
      "'\(escapedForTerminal(path))' holds a checkpoint of size \(last), which one of size \(next) "
        + "contradicts; the store is an older copy, or has been changed"
    case .wrongKey(let name): "the key of \(name) is not for cosignatures; make one that is"
    }
  }
}

internal import ByteCoding
internal import LogFormat
internal import PlatformIO
public import Quantities

/// Where the named cursors of a store's streams stand: the newest record of each in a stream of the store's own.
/// What a crash takes back of it is only that a cursor stands where it stood before.
final class StoreCursors: Sendable {
  /// Opens the stream of cursors; `nil` when there is none and none is to be made.
  typealias Opener = @Sendable (_ creating: Bool) throws(OpenError) -> StreamLog?

  /// Name of the stream.
  static let streamName = StreamName.reservedPrefix + "cursors"
  /// Type of its records.
  private static let recordType = Array("cursor".utf8)

  /// A cursor of a stream.
  struct Key: Hashable {
    let streamID: UInt64
    let name: ManifestState.NameBytes

    var bytes: [UInt8] {
      var bytes: [UInt8] = []
      bytes.appendLittleEndian(streamID)
      return bytes + Array(name.text.utf8)
    }

    init(streamID: UInt64, name: String) {
      self.streamID = streamID
      self.name = ManifestState.NameBytes(text: name)
    }

    init?(_ bytes: RawSpan) {
      guard let streamID = bytes.littleEndianUnsigned64(at: 0),
        let name = String(validating: bytes.extracting(8...).copyBytes(), as: UTF8.self)
      else { return nil }
      self.init(streamID: streamID, name: name)
    }
  }

  /// A value of its own, as for the statements.
  private struct Opening: Sendable {
    let open: Opener
  }

  private struct State {
    var cursors: [Key: Offset] = [:]
    /// Those that may have been moved by records that are damaged.
    var uncertain: Set<Key> = []
    /// Records that were appended by this opening and may not be visible yet, of each cursor the last.
    var appended: [Key: Offset] = [:]
    /// Records before this one are read.
    var nextOffset = Offset.zero
  }

  private let opener = Guarded<Opening?>(nil)
  private let state = Guarded(State())

  /// Says how the stream is opened.
  func start(_ open: @escaping Opener) { opener.withLock { $0 = Opening(open: open) } }

  private func log(creating: Bool) throws(OpenError) -> StreamLog? {
    try opener.withLock({ $0 })?.open(creating)
  }

  /// All cursors of a stream, by name.
  func cursors(ofStream streamID: UInt64) throws(CursorError) -> [(name: String, offset: Offset)] {
    try reading { state in
      state.cursors.filter { $0.key.streamID == streamID }.map { ($0.key.name.text, $0.value) }
        .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
  }

  /// What cursors of a stream surely need no more, in the order asked for: nothing where one was never set, or
  /// where it may have been moved by records that are damaged.
  func offsets(_ names: [String], ofStream streamID: UInt64) throws(CursorError)
    -> [(name: String, offset: Offset)]
  {
    try reading { state in
      names.map { name in
        let key = Key(streamID: streamID, name: name)
        return (name, state.uncertain.contains(key) ? .zero : state.cursors[key] ?? .zero)
      }
    }
  }

  private func reading<Result>(_ body: (State) -> Result) throws(CursorError) -> Result {
    let log: StreamLog?
    do throws(OpenError) { log = try self.log(creating: false) } catch { throw .open(error) }
    return try state.withLock { state throws(CursorError) in
      if let log { try Self.read(log, &state) }
      return body(state)
    }
  }

  private static func read(_ log: StreamLog, _ state: inout State) throws(CursorError) {
    guard state.nextOffset < log.visibleOffset else { return }
    do throws(ReadError) {
      let start = max(state.nextOffset, log.logStartOffset)
      var options = ReaderOptions()
      options.takesLease = false
      var reader = try LogReader(log, from: .offset(start), options)
      while reader.nextOffset < log.visibleOffset {
        var found: [(key: Key, record: Offset, offset: Offset?)] = []
        do throws(ReadError) {
          _ = try reader.read(max: 4_096) { record in
            guard let bytes = record.key, let key = Key(bytes) else { return }
            let offset = record.value.littleEndianUnsigned64(at: 0)
            found.append(
              (key, record.offset, record.isTombstone ? nil : offset.map { Offset(rawValue: $0) }))
          }
        } catch {
          guard case .damaged = error else { throw error }
          state.uncertain.formUnion(state.cursors.keys)
        }
        for (key, record, offset) in found {
          if let last = state.appended[key] {
            // It counts already.
            guard last <= record else { continue }
            state.appended[key] = nil
          }
          state.cursors[key] = offset
          state.uncertain.remove(key)
        }
        state.nextOffset = reader.nextOffset
      }
    } catch {
      throw .read(error)
    }
  }

  /// Moves a cursor.
  ///
  /// - Parameters:
  ///   - offset: The first record it still needs; `nil` to forget the cursor.
  ///   - isDurable: Whether the call returns only when that survives power loss.
  func set(_ key: Key, to offset: Offset?, isDurable: Bool) throws(CursorError) {
    let log: StreamLog?
    do throws(OpenError) { log = try self.log(creating: offset != nil) } catch {
      throw .open(error)
    }
    guard let log else { return }
    var value: [UInt8] = []
    if let offset { value.appendLittleEndian(offset.rawValue) }
    do throws(AppendError) {
      let record = try state.withLock { state throws(AppendError) in
        let record = try log.append(
          copying: value, key: key.bytes, type: Self.recordType, isTombstone: offset == nil
        ).offset
        state.cursors[key] = offset
        state.uncertain.remove(key)
        state.appended[key] = record
        return record
      }
      if isDurable { try log.waitUntilDurable(record) }
    } catch {
      throw .append(error)
    }
  }

  /// Makes durable where all cursors stand.
  func synchronize() throws(CursorError) {
    let log: StreamLog?
    do throws(OpenError) { log = try self.log(creating: false) } catch { throw .open(error) }
    do throws(AppendError) { try log?.flush() } catch { throw .append(error) }
  }
}

/// Why a cursor cannot be read or moved.
public enum CursorError: Error, Sendable, CustomStringConvertible {
  /// A cursor's name has 1 to 255 bytes.
  case invalidName(String)
  /// Offsets behind the log end offset have no records yet.
  case behindEnd(Offset, logEnd: Offset)
  /// The stream of cursors cannot be opened.
  case open(OpenError)
  /// It cannot be read.
  case read(ReadError)
  /// It cannot be appended to.
  case append(AppendError)

  public var description: String {
    switch self {
    case .invalidName(let name):
      "'\(escapedForTerminal(name))' is no name of a cursor: it needs 1 to 255 bytes"
    case .behindEnd(let offset, let end):
      "a cursor cannot stand at \(offset): the log ends at \(end); set it there or before"
    case .open(let error): "\(error)"
    case .read(let error): "\(error)"
    case .append(let error): "\(error)"
    }
  }
}

internal import ByteCoding
public import CommitLog
public import Cryptography
public import EvidenceFiles
public import Integrity
public import LogFormat
internal import PlatformIO
public import Quantities

/// A stream whose payloads are under keys of their subjects: destroy a subject's key, and they are gone from
/// every copy of the store, while chain, tree and proofs hold as before.
///
/// What the log holds of a record is a value of its own: a salted commitment to the record as it was
/// given, and the payload sealed with AES-256-GCM. Both are in the record's leaf, so anybody can check the log without
/// keys; who has the key opens the payload, and can show it to a third party with its salt alone. Key,
/// type and headers of a record stay readable: they must hold nothing that is to be erased.
///
/// | position | size | value |
/// | ---: | ---: | --- |
/// | 0 | 32 | commitment to event time, key, type, headers and payload, salted (`RecordContent`) |
/// | 32 | n + 37 | the payload, sealed (`PayloadCipher`) |
///
/// Methods may be called from any thread.
public final class ErasableStream: Sendable {
  /// The stream.
  public let log: StreamLog
  private let keys: SubjectKeyStore
  private let identity: [UInt8]
  private let epoch: UInt32
  /// Appends go one after the other: a payload is sealed for one offset.
  private let appending = Guarded<Void>(())

  /// Bytes by which a value in the log is longer than its payload.
  public static let overheadByteCount = Digest.byteCount + PayloadCipher.overheadByteCount

  /// Opens a stream that was created as erasable.
  ///
  /// - Parameters:
  ///   - log: The stream.
  ///   - store: Its store.
  ///   - keys: Keys of the subjects, outside the store.
  /// - Throws: ``ErasableError``: `.notErasable`.
  public init(_ log: StreamLog, of store: Store, keys: SubjectKeyStore) throws(ErasableError) {
    guard let id = log.erasableID else { throw .notErasable(stream: log.name) }
    (self.log, self.keys, identity) = (log, keys, id.bytes)
    epoch = UInt32(truncatingIfNeeded: store.epoch)
  }

  /// Appends a record for a subject, whose key is made if it has none.
  ///
  /// - Parameters:
  ///   - payload: What can be erased.
  ///   - subject: Whom it is about, 1 to 1,024 bytes; stands nowhere in the log.
  ///   - key: The record's key, or `nil`; cannot be erased.
  ///   - type: Its type, or `nil`; cannot be erased.
  ///   - headers: Its block of headers, or `nil`; cannot be erased.
  ///   - eventTime: When the fact happened, or `nil`.
  /// - Throws: ``ErasableError``: `.keys(.erased)` for a subject that was erased, `.append`.
  public func append(
    _ payload: [UInt8], for subject: [UInt8], key: [UInt8]? = nil, type: [UInt8]? = nil,
    headers: [UInt8]? = nil, eventTime: Timestamp? = nil
  ) throws(ErasableError) -> AppendReceipt {
    let subjectKey: SubjectKey
    do throws(SubjectKeyStoreError) { subjectKey = try keys.key(for: subject) } catch {
      throw .keys(error)
    }
    let cipher = subjectKey.cipher(streamID: identity)
    return try appending.withLock { _ throws(ErasableError) in
      while true {
        let offset = log.logEndOffset
        let commitment = RecordContent.commitment(
          eventTime: eventTime?.rawValue, key: key, type: type, headers: headers ?? [],
          value: payload, salt: subjectKey.salt(streamID: identity, offset: offset.rawValue))
        let place = PayloadCipher.Place(
          offset: offset.rawValue, keyByteCount: key?.count, typeByteCount: type?.count)
        let sealed: [UInt8]
        do throws(CryptographyError) {
          sealed = try cipher.seal(payload, at: place, epoch: epoch)
        } catch {
          throw .cryptography(error)
        }
        do throws(AppendError) {
          return try log.append(
            copying: commitment.bytes + sealed, key: key, type: type, headers: headers,
            eventTime: eventTime, expecting: offset)
        } catch {
          // Somebody appended beside this object; what was sealed for the offset is forgotten.
          guard case .conflict = error else { throw .append(error) }
        }
      }
    }
  }

  /// Opens the payload of a record.
  ///
  /// - Parameters:
  ///   - record: A record of this stream.
  ///   - subject: Whom it is about.
  /// - Returns: The payload.
  /// - Throws: ``ErasableError``: `.keys(.erased)` when the subject was erased, `.unknownSubject`,
  ///   `.payload` when it is not this subject's, or was changed; `.otherPayload`.
  public func open(_ record: Record, for subject: [UInt8]) throws(ErasableError) -> [UInt8] {
    try ErasablePayload.open(record, with: existingKey(of: subject), streamID: identity)
  }

  private func existingKey(of subject: [UInt8]) throws(ErasableError) -> SubjectKey {
    let key: SubjectKey?
    do throws(SubjectKeyStoreError) { key = try keys.existingKey(for: subject) } catch {
      throw .keys(error)
    }
    guard let key else { throw .unknownSubject }
    return key
  }

  /// The salt of a record's commitment: with it and the payload anybody can make the commitment again,
  /// and learns nothing about other records.
  ///
  /// - Throws: ``ErasableError``.
  public func salt(of offset: Offset, for subject: [UInt8]) throws(ErasableError) -> [UInt8] {
    try existingKey(of: subject).salt(streamID: identity, offset: offset.rawValue)
  }
}

/// Why an erasable record cannot be written, opened or erased.
public enum ErasableError: Error, Sendable, CustomStringConvertible {
  /// The stream was not created as erasable.
  case notErasable(stream: String)
  /// A hold keeps records of erasable streams as they are.
  case held(hold: String)
  /// The subject has no key here.
  case unknownSubject
  /// The keys cannot be had, or the subject was erased.
  case keys(SubjectKeyStoreError)
  /// The payload cannot be opened.
  case payload(PayloadCipherError)
  /// The payload is not the one that was committed to.
  case otherPayload
  /// libcrypto failed.
  case cryptography(CryptographyError)
  /// The log refused.
  case append(AppendError)
  /// The erasure was done and could not be stated; do it again.
  case unstated(EvidenceError)

  public var description: String {
    switch self {
    case .notErasable(let stream):
      "stream '\(escapedForTerminal(stream))' was not created as erasable; its payloads stand there for all to read. "
        + "Create another with --erasable, or redact records"
    case .held(let hold):
      "hold '\(escapedForTerminal(hold))' keeps records of erasable streams; erase when it is released"
    case .unknownSubject:
      "no key is known for this subject: it is written otherwise, or its keys are in another folder"
    case .keys(let error): "\(error)"
    case .payload(let error): "\(error)"
    case .otherPayload:
      "the payload is not the one that was committed to when it was appended; piperoll-audit verify names "
        + "what was changed"
    case .cryptography(let error): "\(error)"
    case .append(let error): "\(error)"
    case .unstated(let error):
      "the key is destroyed, but the store does not state it yet (\(error)); erase again"
    }
  }
}

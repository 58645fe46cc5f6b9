internal import ByteCoding
internal import Cryptography
public import Integrity
public import LogFormat
internal import Quantities

/// Opens payloads of erasable streams, wherever their records come from.
public enum ErasablePayload {
  /// Opens the payload of a record.
  ///
  /// - Parameters:
  ///   - record: A record of an erasable stream.
  ///   - key: The key of its subject.
  ///   - streamID: The stream's identity, 16 bytes (`StreamLog.erasableID`).
  /// - Returns: The payload.
  /// - Throws: ``ErasableError``: `.payload` when it is not this subject's, or was changed;
  ///   `.otherPayload`.
  public static func open(_ record: Record, with key: SubjectKey, streamID: [UInt8])
    throws(ErasableError) -> [UInt8]
  {
    guard record.value.count >= ErasableStream.overheadByteCount,
      let commitment = Digest(Array(record.value.prefix(Digest.byteCount)))
    else { throw .payload(.cut(byteCount: record.value.count)) }
    let place = PayloadCipher.Place(
      offset: record.offset.rawValue, keyByteCount: record.key?.count,
      typeByteCount: record.type?.count)
    let payload: [UInt8]
    do throws(PayloadCipherError) {
      payload = try key.cipher(streamID: streamID).open(
        Array(record.value.dropFirst(Digest.byteCount)), at: place)
    } catch {
      throw .payload(error)
    }
    let again = RecordContent.commitment(
      eventTime: record.eventTime?.rawValue, key: record.key, type: record.type,
      headers: record.headers, value: payload,
      salt: key.salt(streamID: streamID, offset: record.offset.rawValue))
    guard again == commitment else { throw .otherPayload }
    return payload
  }
}

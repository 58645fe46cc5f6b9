public import CommitLog
internal import Cryptography
public import EvidenceFiles
internal import Integrity
public import Quantities

extension Store {
  /// Erases a subject: destroys its key, durably, and states that in the store.
  ///
  /// It takes the same time however many records the subject has. May be repeated, and after an error
  /// should be.
  ///
  /// - Parameters:
  ///   - subject: The subject's name, 1 to 1,024 bytes.
  ///   - keys: Where its key is.
  ///   - reason: Why, for whoever reads the statement; at most 1,024 bytes, and it must not name the
  ///     subject.
  /// - Returns: The statement's offset in the evidence stream; `nil` for a subject that had no key.
  /// - Throws: `ErasableError`: `.held`, `.keys`, `.unstated`.
  public func erase(subject: [UInt8], keys: SubjectKeyStore, reason: String = "")
    throws(ErasableError) -> Offset?
  {
    guard reason.utf8.count <= Statement.reasonByteCountLimit else {
      throw .unstated(
        .reasonTooLong(byteCount: reason.utf8.count, limit: Statement.reasonByteCountLimit))
    }
    // Which streams have records of the subject nobody knows without reading them.
    if let hold = holdOnErasableStreams { throw .held(hold: hold.name) }
    let code: Digest
    do throws(SubjectKeyStoreError) {
      code = try keys.statementCode(of: subject)
      guard try keys.erase(subject) else { return nil }
    } catch {
      throw .keys(error)
    }
    do throws(EvidenceError) {
      return try stateErasure(
        SubjectErasure(time: 0, subjectCode: code, reason: reason))
    } catch {
      throw .unstated(error)
    }
  }
}

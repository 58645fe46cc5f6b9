public import CommitLog
public import Cryptography
public import EvidenceFiles
public import Integrity
public import PlatformIO
public import Quantities

/// Seals what a store states of itself, with a key that is forgotten when its epoch is over: who takes over the machine
/// later can change nothing that was sealed before, even though he has every key that is left.
public struct StoreSealer: Sendable {
  private let store: Store
  private let logID: Digest

  /// Seals a store.
  ///
  /// - Parameters:
  ///   - store: The store.
  ///   - origin: Its origin, as the verifier knows it.
  public init(_ store: Store, origin: String) {
    self.store = store
    logID = Self.logID(origin: origin)
  }

  /// What stands for a store in its seals: SHA-256 of its origin.
  public static func logID(origin: String) -> Digest { SHA256.digest(Array(origin.utf8)) }

  /// States how far all streams have come, and seals that, durably.
  ///
  /// - Parameters:
  ///   - file: The key of the present epoch; it goes on to that of the seal's time.
  ///   - clock: Tells the time; asked when all is stated, as no seal is older than what it covers.
  /// - Returns: The seal, and its offset in the evidence stream; `nil` while there is nothing to seal.
  /// - Throws: ``SealingError``.
  public func seal(with file: SealKeyFile, clock: any TimeSource) throws(SealingError) -> (
    seal: EpochSeal, offset: Offset
  )? {
    let head: EvidenceHead?
    do throws(EvidenceError) { head = try store.stateHeads() } catch { throw .evidence(error) }
    guard let head, let link = Digest(head.head) else { return nil }
    let seal: EpochSeal
    do throws(SealKeyFileError) {
      seal = try file.seal(
        HashChain(count: head.groupCount, head: link), of: logID, at: clock.now())
    } catch {
      throw .key(error)
    }
    do throws(EvidenceError) {
      return (seal, try store.state(.seal(seal), streamID: 0) ?? .zero)
    } catch {
      throw .evidence(error)
    }
  }
}

/// Why a store could not be sealed.
public enum SealingError: Error, Sendable, CustomStringConvertible {
  /// Chain or tree cannot be had, or nothing can be stated.
  case evidence(EvidenceError)
  /// There is no key for this time.
  case key(SealKeyFileError)

  public var description: String {
    switch self {
    case .evidence(let error): "\(error)"
    case .key(let error): "\(error)"
    }
  }
}

internal import ByteCoding
public import Integrity
internal import PlatformIO

/// The file that seals are verified by: which epochs there are, and the first key. Nobody but its owner may
/// read it, and the machine that writes the log does not have it.
public enum SealVerifierFile {
  /// Reads a file.
  ///
  /// - Parameter path: The file; a link in its place is refused.
  /// - Returns: The plan; it has a key.
  /// - Throws: ``SealVerifierFileError``.
  public static func read(_ path: String) throws(SealVerifierFileError) -> SealPlan {
    let plan: SealPlan
    do throws(SecretFile.Failure) {
      plan = try SecretFile.read(path, limit: SealPlan.byteCountLimit) { bytes in
        // A text cannot be wiped; it lives no longer than this.
        String(validating: bytes.copyBytes(), as: UTF8.self).flatMap { SealPlan($0) }
      }
    } catch {
      switch error {
      case .unreadable(let number): throw .unreadable(path: path, errorNumber: number)
      case .exposed(let mode): throw .exposed(path: path, mode: mode)
      case .form: throw .form(path: path)
      }
    }
    guard plan.key != nil else { throw .withoutKey(path: path) }
    return plan
  }
}

/// Why a file verifies no seals. No error shows a byte of it.
public enum SealVerifierFileError: Error, Hashable, Sendable {
  /// The system does not let it be read.
  case unreadable(path: String, errorNumber: Int32)
  /// Others than its owner have rights to it.
  case exposed(path: String, mode: UInt32)
  /// Not a regular file with the epochs of seals.
  case form(path: String)
  /// It has the epochs and no key: the file of who writes.
  case withoutKey(path: String)
}

extension SealVerifierFileError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let path, let number):
      "'\(escapedForTerminal(path))' cannot be read (system error \(number)); give a file of yours "
        + "that is no link"
    case .exposed(let path, let mode):
      "'\(escapedForTerminal(path))' has mode \(String(mode, radix: 8)); take all rights from group "
        + "and others (chmod 600): who has read it can make seals of every epoch"
    case .form(let path):
      "'\(escapedForTerminal(path))' verifies no seals; give the verifier's file of 'piperoll seal generate'"
    case .withoutKey(let path):
      "'\(escapedForTerminal(path))' has no key; it is the plan of who makes seals: give the verifier's "
        + "file of 'piperoll seal generate'"
    }
  }
}

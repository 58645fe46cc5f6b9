internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogFormat
public import PlatformIO

/// Audits a store as somebody who does not trust it: reads its files without the engine, compares all
/// checksums, makes chain and tree again, compares them with what was held, and names what is wrong.
///
/// Nothing is locked or written. The store may be read-only, a copy, or in use: what a writer adds meanwhile
/// is not covered yet, and no finding.
public struct Audit: Sendable {
  /// Called now and then with bytes that were looked at and those to be looked at; returning false ends the
  /// audit. Comes from any thread, one call at a time.
  public typealias Progress = @Sendable (_ done: UInt64, _ total: UInt64) -> Bool

  let options: AuditOptions
  let fileSystem: any FileSystem

  /// An audit.
  public init(_ options: AuditOptions, fileSystem: any FileSystem) {
    (self.options, self.fileSystem) = (options, fileSystem)
  }

  /// Audits.
  ///
  /// - Parameter progress: See ``Progress``.
  /// - Returns: The report, and what a later audit can go on from. What is wrong is in it, never thrown.
  /// - Throws: ``AuditError``.
  public func run(progress: @escaping Progress = { _, _ in true }) throws(AuditError)
    -> AuditOutcome
  {
    let folder: AuditedFolder
    do throws(FileSystemError) { folder = try AuditedFolder(options.path, fileSystem) } catch {
      switch error.reason {
      case .notADirectory: return try SegmentFileAudit.run(options, fileSystem, progress)
      case .notFound where error.operation == .openDirectory: throw .notAStore(path: options.path)
      default: throw .fileSystem(error)
      }
    }
    var audit = StoreAudit(options, folder, progress)
    return try audit.run()
  }
}

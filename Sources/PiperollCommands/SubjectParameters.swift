internal import CommandLineInterface
internal import CommitLog
internal import Cryptography
internal import EvidenceFiles
internal import Integrity
internal import PlatformIO

/// Parameters of commands that work with the keys of subjects.
enum SubjectParameters {
  static let subject = Option<String?>.optional(
    "subject", "SUBJECT", .text,
    help:
      "whom the records are about; needs --keys and --master-key, and stands nowhere in the store")
  static let keys = Option<String?>.optional(
    "keys", "DIR", .path,
    help: "the keys of subjects, outside the store, as 'piperoll subjects init' makes them")
  static let masterKey = Option<String?>.optional(
    "master-key", "FILE", .path,
    help:
      "the key that the keys of subjects are under: 32 bytes, or 64 hexadecimal digits, readable "
      + "for its owner alone")

  /// A subject that was named, and the keys it goes with; `nil` when none was.
  static func opened(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure) -> (
    subject: [UInt8], keys: SubjectKeyStore
  )? {
    guard let subject = arguments[subject] else {
      guard arguments[keys] == nil, arguments[masterKey] == nil else {
        throw .message("--keys and --master-key belong to --subject; name it, or leave them out")
      }
      return nil
    }
    return (Array(subject.utf8), try keys(arguments, console))
  }

  /// The keys that a command line names.
  static func keys(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> SubjectKeyStore
  {
    guard let folder = arguments[keys], let path = arguments[masterKey] else {
      throw .message("--subject needs --keys and --master-key")
    }
    let master = try master(path)
    return try withKeys { () throws(SubjectKeyStoreError) in
      try SubjectKeyStore(
        opening: folder, fileSystem: console.environment.fileSystem,
        random: console.environment.random
      ) { number in number == WrappedKey.number(of: master) ? master : nil }
    }
  }

  /// Reads a master key.
  static func master(_ path: String) throws(CommandFailure) -> SecretKey {
    do throws(MasterKeyFileError) { return try MasterKeyFile.read(path) } catch {
      throw .message("\(error)")
    }
  }

  /// Runs what uses keys of subjects.
  static func withKeys<Result>(_ body: () throws(SubjectKeyStoreError) -> Result)
    throws(CommandFailure) -> Result
  {
    do throws(SubjectKeyStoreError) { return try body() } catch { throw .message("\(error)") }
  }
}

internal import CommandLineInterface
internal import CommitLog
internal import EvidenceFiles
internal import PlatformIO

/// `piperoll subjects`: the keys of subjects.
enum SubjectsCommand: ExecutableCommand {
  /// What is done.
  enum Action: String, CaseIterable, Sendable { case `init`, rewrap }

  static let action = Argument<Action>.required(
    "ACTION", .choice(),
    help: "init: make an empty folder of keys; rewrap: bring all keys under another master key")
  static let folder = Argument<String>.required("DIR", .path, help: "the folder of the keys")
  static let master = Option<String>.required(
    "master-key", "FILE", .path,
    help: "the master key: 32 bytes, or 64 hexadecimal digits, readable for its owner alone")
  static let newMaster = Option<String?>.optional(
    "new-master-key", "FILE", .path, help: "rewrap: the master key that takes its place")

  static let declaration = Command(
    "subjects", summary: "keys that payloads are erased by",
    discussion: """
      Streams that were created with --erasable keep each payload under a key of its subject. The keys \
      lie in a folder of their own, under a master key; keep both outside the store, its snapshots and \
      its backups, or an erasure erases nothing. After rewrap, destroy the old master key: copies of \
      the folder from before are worthless then.
      """,
    parameters: [action, folder, master, newMaster],
    examples: [
      .init(
        "openssl rand -hex 32 | (umask 077; cat > master)", "makes a master key"),
      .init("piperoll subjects init keys --master-key master", "makes an empty folder of keys"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    let environment = console.environment
    let master = try SubjectParameters.master(arguments[master])
    let path = arguments[folder]
    switch arguments[action] {
    case .`init`:
      guard arguments[newMaster] == nil else {
        throw .message("--new-master-key belongs to rewrap; leave it out")
      }
      try SubjectParameters.withKeys { () throws(SubjectKeyStoreError) in
        try SubjectKeyStore.create(
          at: path, masterKey: master, fileSystem: environment.fileSystem,
          random: environment.random)
      }
      if !arguments[Flag.json] {
        try console.write("made '\(escapedForTerminal(path))' for keys of subjects\n")
      }
    case .rewrap:
      guard let newPath = arguments[newMaster] else {
        throw .message("rewrap needs --new-master-key")
      }
      let next = try SubjectParameters.master(newPath)
      let report = try SubjectParameters.withKeys { () throws(SubjectKeyStoreError) in
        let keys = try SubjectKeyStore(
          opening: path, fileSystem: environment.fileSystem, random: environment.random
        ) { number in
          [master, next].first { number == MasterKeyFile.number(of: $0) }
        }
        return try keys.rewrap(with: next)
      }
      for damaged in report.damagedPaths {
        console.writeError(
          "subjects: '\(escapedForTerminal(damaged))' is damaged and was left as it is\n")
      }
      if arguments[Flag.json] {
        var json = JSONWriter()
        json.beginObject()
        json.member("keys", report.keyCount)
        json.member("erased", report.erasedCount)
        json.member("damaged", report.damagedPaths.count)
        json.endObject()
        try console.write(json)
      } else {
        try console.write(
          "\(report.keyCount) keys under the new master key, \(report.erasedCount) erased\n")
      }
      if !report.damagedPaths.isEmpty { return .damaged }
    }
    return .success
  }
}

internal import CommandLineInterface
internal import CommitLog
internal import Cryptography
internal import EvidenceFiles
internal import Integrity
internal import LogCheckpoints
internal import PlatformIO
internal import Quantities

/// `piperoll seal`: seals that nobody can make later.
enum SealCommand: ExecutableCommand {
  /// What is done.
  enum Action: String, CaseIterable, Sendable { case generate, make }

  static let action = Argument<Action>.required(
    "ACTION", .choice(),
    help: "generate: make a key and what verifies it; make: seal a store, as often as you like")
  static let store = Argument<String?>.optional(
    "STORE", .path, help: "make: the directory of the store")
  static let key = Option<String>.required(
    "key", "FILE", .path,
    help: "the key of the present epoch, which overwrites itself; outside the store")
  static let plan = Option<String?>.optional(
    "plan", "FILE", .path, help: "the epochs; make reads what generate wrote")
  static let verifier = Option<String?>.optional(
    "verifier", "FILE", .path,
    help: "generate: the epochs with the first key; take it to the verifier, and off this machine")
  static let epoch = Option<Duration>.defaulting(
    "epoch", "TIME", .duration(in: .seconds(1) ... .seconds(86_400 * 31)), to: .seconds(900),
    help: "generate: how long a key lives")
  static let origin = Option<String?>.optional(
    "origin", "ORIGIN", .text, help: "make: the origin of the store, as in its checkpoints")

  static let declaration = Command(
    "seal", summary: "seal a store so that who takes the machine cannot rewrite it",
    discussion: """
      A seal is a code over the chain of the store's statements, made with the key of the present epoch. When \
      an epoch is over its key is overwritten, and nobody can make a seal of that time any more, not \
      even with everything that is left on the machine. The verifier holds the first key, from which \
      all others follow; generate writes it once. Seal in every epoch: what no seal covers yet, nothing seals.
      """,
    parameters: [action, store, key, plan, verifier, epoch, origin, Shared.adopt],
    examples: [
      .init(
        "piperoll seal generate --key seal.key --plan seal.plan --verifier verifier.secret",
        "makes a key whose epochs last 15 minutes"),
      .init(
        "piperoll seal make my.store --key seal.key --plan seal.plan --origin log.example/one",
        "states and seals how far the store has come"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    switch arguments[action] {
    case .generate: try generate(arguments, console)
    case .make: try make(arguments, console)
    }
  }

  private static func generate(_ arguments: ParsedArguments, _ console: Console)
    throws(CommandFailure) -> ExitCode
  {
    guard let planPath = arguments[plan], let verifierPath = arguments[verifier] else {
      throw .message("generate needs --plan and --verifier")
    }
    let paths = [arguments[key], planPath, verifierPath]
    guard try !NamedFile.haveSamePlace(paths, console.environment.fileSystem) else {
      throw .message("--key, --plan and --verifier name the same file; give each its own")
    }
    let environment = console.environment
    let start = environment.time.now().rawValue / 1_000_000_000
    let length = UInt32(clamping: arguments[epoch].components.seconds)
    guard
      let schedule = SealSchedule(
        startSeconds: start, epochSeconds: length, graceSeconds: length)
    else { throw .message("--epoch must be at least a second") }
    let first = SealKey(SecretKey(from: { environment.random.next() }))
    let (folder, name) = try NamedFile.split(arguments[key])
    do throws(SealKeyFileError) {
      try SealKeyFile.create(name, in: folder, key: first, fileSystem: environment.fileSystem)
    } catch {
      throw .message("\(error)")
    }
    try NamedFile.replace(
      verifierPath, with: Array(SealPlan(schedule: schedule, key: first).text.utf8),
      environment.fileSystem)
    try NamedFile.replace(
      planPath, with: Array(SealPlan(schedule: schedule).text.utf8), environment.fileSystem)
    if !arguments[Flag.json] {
      try console.write(
        "made a key; take '\(escapedForTerminal(verifierPath))' to the verifier, and off this machine\n"
      )
    }
    return .success
  }

  private static func make(_ arguments: ParsedArguments, _ console: Console)
    throws(CommandFailure) -> ExitCode
  {
    guard let planPath = arguments[plan], let path = arguments[store],
      let origin = arguments[origin]
    else { throw .message("make needs STORE, --plan and --origin") }
    let text = try NamedFile.read(planPath, limit: SealPlan.byteCountLimit, kind: "a plan of seals")
    guard let plan = SealPlan(String(decoding: text, as: UTF8.self)) else {
      throw .message(
        "'\(escapedForTerminal(planPath))' is no plan of seals; give what generate wrote")
    }
    var options = StoreOptions()
    options.adoptsCopy = arguments[Shared.adopt]
    let store = try opening { () throws(OpenError) in
      try Store.open(at: path, options: options, environment: console.environment)
    }
    defer { store.close() }
    let (folder, name) = try NamedFile.split(arguments[key])
    let file: SealKeyFile
    do throws(SealKeyFileError) {
      file = try SealKeyFile(
        opening: name, in: folder, schedule: plan.schedule,
        fileSystem: console.environment.fileSystem)
    } catch {
      throw .message("\(error)")
    }
    let made: (seal: EpochSeal, offset: Offset)?
    do throws(SealingError) {
      made = try StoreSealer(store, origin: origin).seal(
        with: file, clock: console.environment.time)
    } catch {
      throw .message("\(error)")
    }
    guard let made else {
      throw .message("there is nothing to seal: append to a stream that has chain or tree")
    }
    if arguments[Flag.json] {
      var json = JSONWriter()
      json.beginObject()
      json.member("epoch", made.seal.epoch)
      json.member("groups", made.seal.chain.count)
      json.member("statement", made.offset.rawValue)
      json.endObject()
      try console.write(json)
    } else {
      try console.write("sealed in epoch \(made.seal.epoch), statement \(made.offset)\n")
    }
    return .success
  }
}

#if HTTP
  internal import CommandLineInterface
  internal import CommitLog
  internal import EvidenceFiles
  internal import EvidenceHTTP
  internal import Glibc
  internal import Integrity
  internal import PlatformIO

  /// `piperoll witness`: a witness for logs.
  enum WitnessCommand: ExecutableCommand {
    /// What is done.
    enum Action: String, CaseIterable, Sendable { case serve }

    /// How long one wait may last before interruption is looked at again.
    private static let waitMilliseconds: Int32 = 100
    /// The port that is listened at when none is asked for.
    static let port: UInt16 = 7448

    static let action = Argument<Action>.required(
      "ACTION", .choice(), help: "serve: answer logs over HTTP")
    static let key = Option<String>.required(
      "key", "FILE", .path, help: "the witness's secret key, as 'piperoll key generate' makes it")
    static let log = Option<[NoteVerifierKey]>.repeating(
      "log", "VKEY", .logKey,
      help: "the public key of a log that is witnessed; its name is the log's origin")
    static let state = Option<String>.required(
      "state", "DIR", .path,
      help: "where is kept what was seen of each log; made with mode 0700 when it is missing")
    static let listen = Option<ListenAddress>.defaulting(
      "listen", "ADDRESS:PORT", .listenAddress, to: .loopback(port: port),
      help: "where to listen; port 0 lets the system choose")
    static let prefix = Option<String>.defaulting(
      "prefix", "PATH", .text, to: "/", help: "what stands in front of all paths")

    static let declaration = Command(
      "witness", summary: "cosign the checkpoints of logs",
      discussion: """
        Cosigns a checkpoint when it goes on from the last one of its log that was cosigned, so that no \
        log can show two histories (C2SP tlog-witness). Logs submit to add-checkpoint below PATH. What was \
        seen is durable before an answer leaves; a witness that loses it may cosign a second history, \
        so keep the directory, and let only one copy of it serve.

        Only this machine can reach it unless another address is given. It speaks HTTP without TLS: \
        put a server that has TLS in front of it.
        """,
      parameters: [action, key, log, state, listen, prefix],
      examples: [
        .init(
          "piperoll witness serve --key witness.key --log \"$(cat log.vkey)\" --state seen",
          "cosigns checkpoints of one log that are submitted to http://127.0.0.1:\(port)")
      ],
      exitCodes: [
        .init(.success, "ended by Ctrl-C or SIGTERM, after the last answer"),
        .init(.usage, "the command line is wrong, or it could not begin"),
      ])

    static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
      -> ExitCode
    {
      let signer = try KeyFile.read(arguments[key])
      let logs = logs(of: arguments[log])
      guard !logs.isEmpty else {
        throw .message("no log is given; add --log with the public key of each that is witnessed")
      }
      let folder = arguments[state]
      let environment = console.environment
      try makeFolder(folder, environment.fileSystem)
      let service: WitnessService
      do throws(CheckpointFileError) {
        service = try WitnessService(
          key: signer, logs: logs, folder: folder, fileSystem: environment.fileSystem,
          time: environment.time)
      } catch {
        throw .message("\(error)")
      }
      let server: WitnessServer
      do throws(WitnessServerError) {
        server = try WitnessServer(service, at: arguments[listen], prefix: arguments[prefix])
      } catch {
        throw .message("\(error)")
      }
      defer { server.stop() }
      try announce(server, signer.verifier, asJSON: arguments[Flag.json], console)
      while !console.isInterrupted {
        // There are no descriptors to look at; a signal ends the wait.
        _ = poll(nil, 0, waitMilliseconds)
      }
      return .success
    }

    /// Keys with one name are of one log.
    private static func logs(of keys: [NoteVerifierKey]) -> [Witness.Log] {
      var names: [KeyName] = []
      for key in keys where !names.contains(key.name) { names.append(key.name) }
      return names.map { name in
        var found: [NoteVerifierKey] = []
        for key in keys where key.name == name && !found.contains(key) { found.append(key) }
        return Witness.Log(origin: "\(name)", keys: found)
      }
    }

    private static func makeFolder(_ path: String, _ fileSystem: any FileSystem)
      throws(CommandFailure)
    {
      try using { () throws(FileSystemError) in
        do throws(FileSystemError) { try fileSystem.makeDirectory(path: path) } catch {
          guard error.reason == .alreadyExists else { throw error }
          return
        }
        try fileSystem.synchronizeParent(ofDirectoryAt: path)
      }
    }

    private static func announce(
      _ server: WitnessServer, _ key: NoteVerifierKey, asJSON: Bool, _ console: Console
    ) throws(CommandFailure) {
      guard asJSON else {
        console.writeError("witness \(key.name) listens at \(server.url)\n")
        return
      }
      var json = JSONWriter()
      json.beginObject()
      json.member("url", server.url)
      json.member("vkey", key.text)
      json.endObject()
      try console.write(json)
      try console.flush()
    }
  }

  extension ValueKind where Value == ListenAddress {
    /// A numeric address and a port.
    static var listenAddress: ValueKind {
      ValueKind(format: { "\($0)" }) { text throws(ValueError) in
        guard let address = ListenAddress(text) else {
          throw ValueError("is no address and port; write 127.0.0.1:7448 or [::1]:7448")
        }
        return address
      }
    }
  }
#endif

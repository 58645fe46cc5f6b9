import Testing

/// House rules about the tests themselves.
@Suite struct TestRuleTests {
  /// Test files about more than one source file, and what they are about.
  static let crossCutting: [String: String] = [
    "Tests/AsyncLogTests/AsyncLogTests.swift": "awaiting and tailing together",
    "Tests/AuditCommandsTests/AuditBinaryTests.swift": "the auditor in real processes",
    "Tests/AuditCommandsTests/BadDocumentTests.swift":
      "checkpoints, proofs, keys and policies that are bad",
    "Tests/AuditCommandsTests/BadFileTests.swift":
      "what stands in the place of each file of a store",
    "Tests/AuditCommandsTests/StaticProgramTests.swift": "the program that Tools/audit links",
    "Tests/AuditReportsTests/BrowserTests.swift": "the page in a browser",
    "Tests/AuditVerificationTests/EditTests.swift": "what somebody does who makes checksums anew",
    "Tests/AuditVerificationTests/FlipTests.swift": "single flipped bits in every kind of file",
    "Tests/AuditVerificationTests/LossTests.swift": "bytes and files that are gone or others",
    "Tests/AuditVerificationTests/RealDiskTests.swift": "audits on the machine's own files",
    "Tests/AuditVerificationTests/RedactionTests.swift": "stores that records were taken out of",
    "Tests/AuditVerificationTests/RetentionTests.swift":
      "stores that policies removed records from",
    "Tests/CommandLineInterfaceTests/HelpTests.swift": "all texts made for people",
    "Tests/CommandLineInterfaceTests/InputTests.swift": "all ways to read standard input",
    "Tests/CommandLineInterfaceTests/ParserTests.swift": "programs, commands and parameters",
    "Tests/CommandLineInterfaceTests/StreamTests.swift": "standard output and errors",
    "Tests/CommandLineInterfaceTests/ValueTests.swift": "all kinds of values",
    "Tests/CommitLogTests/CrashSmokeTests.swift": "a power cut after every disk operation",
    "Tests/CommitLogTests/FullDiskTests.swift": "full disks",
    "Tests/CommitLogTests/HostilePlaceTests.swift": "what stands in a store's place on real disks",
    "Tests/CommitLogTests/PythonVerifierTests.swift": "Tools/verify-log on stores of the engine",
    "Tests/CommitLogTests/RealDiskTests.swift": "stores on the file systems of the machine",
    "Tests/CommitLogTests/StoreTests.swift": "a store from creation to reopening",
    "Tests/CrashTests/CrashSweepTests.swift": "sweeps over CrashScenarios",
    "Tests/CrashTests/FaultLevelTests.swift": "the levels of faults, one after the other",
    "Tests/DamageTests/EnduranceTests.swift": "DamageScenarios/Endurance.swift",
    "Tests/DamageTests/FileDamageTests.swift": "DamageScenarios/FileDamage.swift",
    "Tests/DamageTests/FlipJudgeTests.swift": "DamageScenarios/FlipJudge.swift",
    "Tests/DamageTests/FlipSweepTests.swift": "DamageScenarios/FlipSweep.swift",
    "Tests/DamageTests/MutationSweepTests.swift": "mutations, their judge and the list of failures",
    "Tests/DamageTests/ForgedStoreTests.swift": "hostile fields in whole stores",
    "Tests/JSONFieldsTests/JSONAgreementTests.swift": "agreement with a slow parser",
    "Tests/LogEvidenceTests/EvidenceDocumentTests.swift": "the code against EVIDENCE.md",
    "Tests/LogEvidenceTests/EvidenceVectorTests.swift": "the code against the vectors of evidence",
    "Tests/LogFormatTests/BitFlipTests.swift": "every flipped bit of every structure",
    "Tests/LogFormatTests/ChecksumTests.swift": "checksums of all frames",
    "Tests/LogFormatTests/FormatDocumentTests.swift": "the code against FORMAT.md",
    "Tests/LogFormatTests/GoldenFileTests.swift": "the code against the golden files",
    "Tests/LogFormatTests/HostileBatchTests.swift": "hostile fields of batches",
    "Tests/LogFormatTests/HostileFixedTests.swift": "hostile fields of fixed places",
    "Tests/LogFormatTests/HostileFrameTests.swift": "hostile frame heads",
    "Tests/LogFormatTests/HostileSmallFrameTests.swift": "hostile fields of small frames",
    "Tests/LogFormatTests/LimitTests.swift": "limits of all structures",
    "Tests/LogFormatTests/RoundTripTests.swift": "round trips of all structures",
    "Tests/PiperollTests/DocumentExampleTests.swift": "the examples of the documents",
    "Tests/AuditCommandsTests/VerifySealsTests.swift": "seals through verify and its reports",
    "Tests/PiperollCommandsTests/AppendAndReadTests.swift": "records through the commands",
    "Tests/PiperollCommandsTests/BinaryTests.swift": "the program in real processes",
    "Tests/PiperollCommandsTests/BadEvidenceTests.swift":
      "what is signed of a store with a bad file",
    "Tests/PiperollCommandsTests/BadInputTests.swift": "what all commands refuse",
    "Tests/PiperollCommandsTests/ImportTests.swift": "import and export together",
    "Tests/PiperollCommandsTests/SurroundingsTests.swift": "the program under limits and settings",
    "Tests/PlatformIOTests/ForkTests.swift": "everything that a fork must not inherit",
    "Tests/PlatformIOTests/PosixFileSystemTransferTests.swift": "PosixFileSystem+Transfer.swift",
    "Tests/PlatformIOTests/SystemSourcesTests.swift": "time and randomness of the machine",
    "Tests/SimulatedIOTests/CrashImageTests.swift": "what a power cut leaves of files",
    "Tests/SimulatedIOTests/DirectoryCrashTests.swift": "what a power cut leaves of names",
    "Tests/SimulatedIOTests/FileSystemBehaviourTests.swift": "agreement with real file systems",
    "Tests/SimulatedIOTests/MappingTests.swift": "mappings of simulated files",
    "Tests/SimulatedIOTests/SourceTests.swift": "simulated time and randomness",
    "Tests/SimulatedIOTests/SpaceTests.swift": "full simulated disks",
  ]

  static let testSources = SwiftSource.under("Tests", "Benchmarks/Tests").filter {
    $0.path.hasSuffix("Tests.swift")
  }

  @Test func `every test file mirrors a source or is known to be about several`() throws {
    let sources = Set(SwiftSource.under("Sources", "Benchmarks", "Tools").map(\.path))
    var strangers: [String] = []
    for source in Self.testSources where !source.path.hasPrefix("Tests/RepositoryTests/") {
      let parts = source.path.split(separator: "/")
      let name = parts[parts.count - 1].dropLast("Tests.swift".count)
      let target = parts[parts.count - 2].dropLast("Tests".count)
      let mirrored = ["Sources/\(target)/\(name).swift", "Benchmarks/\(target)/\(name).swift"]
      if !mirrored.contains(where: sources.contains), Self.crossCutting[source.path] == nil {
        strangers.append(source.path)
      }
    }
    #expect(strangers.isEmpty, "name them after a source or list them: \(strangers.listed)")
  }

  @Test func `the list of tests about several sources names files that exist`() {
    let gone = Self.crossCutting.keys.filter { !Repository.exists($0) }
    #expect(gone.isEmpty, "\(gone.sorted().listed)")
  }

  /// Names of test functions with their places.
  static let tests: [(name: String, place: String)] = testSources.flatMap { source in
    source.lines.enumerated().compactMap { number, line -> (String, String)? in
      guard let range = line.firstRange(of: "func "), isTest(source, number) else { return nil }
      let rest = line[range.upperBound...]
      let name =
        rest.first == "`"
        ? rest.dropFirst().prefix { $0 != "`" } : rest.prefix { $0 != "(" && $0 != "<" }
      return (String(name), source.place(number))
    }
  }

  /// Whether the function on a line is a test: `@Test` on the same line or on those above.
  private static func isTest(_ source: SwiftSource, _ number: Int) -> Bool {
    if source.code[number].contains("@Test") { return true }
    guard number > 0 else { return false }
    for line in source.code[max(0, number - 12)..<number].reversed() {
      if line.contains("func ") || line.hasSuffix("}") || line.isEmpty { return false }
      if line.contains("@Test") { return true }
    }
    return false
  }

  @Test func `no two tests have the same name`() {
    let places = Dictionary(grouping: Self.tests, by: \.name).mapValues { $0.map(\.place) }
    let doubled = places.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }
    #expect(Self.tests.count > 50)
    #expect(doubled.isEmpty, "\(doubled.map { "\($0.key): \($0.value)" }.listed)")
  }

  @Test func `no test is disabled or without an expectation`() {
    var found: [String] = []
    for source in Self.testSources where !source.path.hasPrefix("Tests/RepositoryTests/") {
      for (number, line) in source.code.enumerated() where line.contains(".disabled(") {
        found.append("\(source.place(number)): disabled")
      }
    }
    for source in Self.testSources {
      let helpers = source.functions.filter { Self.expects(source, $0, helpers: []) }.map(\.name)
      for function in source.functions where Self.isTest(source, function.first) {
        if !Self.expects(source, function, helpers: helpers) {
          found.append("\(source.place(function.first)): no expectation")
        }
      }
    }
    #expect(found.isEmpty, "\(found.listed)")
  }

  /// Whether a function states an expectation, itself or by a helper of its file.
  private static func expects(
    _ source: SwiftSource, _ function: SwiftSource.Function, helpers: [String]
  ) -> Bool {
    let words = ["expect", "#require", "confirmation(", "Issue.record("]
    return source.code[(function.first + 1)...max(function.first + 1, function.last)].contains {
      line in
      words.contains(where: line.contains) || helpers.contains { line.contains($0 + "(") }
    }
  }
}

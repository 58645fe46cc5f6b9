// swift-tools-version: 6.3
import PackageDescription

/// Settings every Swift source target is built with.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"), .enableExperimentalFeature("Lifetimes"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// Modules on the append and read paths: no dynamic exclusivity checks in release, inlining across
/// modules.
let hot: [SwiftSetting] =
  strict + [
    .unsafeFlags(
      ["-enforce-exclusivity=unchecked", "-cross-module-optimization"],
      .when(configuration: .release))
  ]

/// Tests leave strict memory safety out: `#expect` expands into code it rejects.
let tests: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"), .enableExperimentalFeature("Lifetimes"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// Whether the witness speaks HTTP, which needs libmicrohttpd and libcurl.
let http = "HTTP"

let package = Package(
  name: "piperoll",
  products: [
    .library(name: "Piperoll", targets: ["Piperoll"]),
    .library(name: "CommitLog", targets: ["CommitLog", "LogFormat", "Quantities"]),
    .library(name: "Integrity", targets: ["Integrity", "Cryptography"]),
    .library(name: "LogCheckpoints", targets: ["LogCheckpoints", "EvidenceFiles"]),
    .library(name: "ErasableRecords", targets: ["ErasableRecords", "EvidenceFiles"]),
    .library(name: "EvidenceHTTP", targets: ["EvidenceHTTP", "EvidenceFiles"]),
    .library(name: "AuditVerification", targets: ["AuditVerification", "AuditReports"]),
    .library(name: "FaultKit", targets: ["SimulatedIO", "PlatformIO"]),
    .executable(name: "piperoll", targets: ["piperoll"]),
    .executable(name: "piperoll-audit", targets: ["piperoll-audit"]),
  ],
  traits: [
    .default(enabledTraits: [http]),
    .trait(name: http, description: "The witness over HTTP; needs libmicrohttpd and libcurl"),
  ],
  targets: [
    // C: what Swift cannot import, and installed libraries.
    .target(name: "CPlatform"),
    .target(name: "CStaticProgram"),
    .target(name: "CChecksum"),
    .target(name: "CSIMDJSON", linkerSettings: [.linkedLibrary("simdjson")]),
    .target(name: "CSHA256", linkerSettings: [.linkedLibrary("crypto")]),
    .systemLibrary(
      name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(
      name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .target(
      name: "CMicroHTTPD", cSettings: [.define("PIPEROLL_HTTP", .when(traits: [http]))],
      linkerSettings: [.linkedLibrary("microhttpd", .when(traits: [http]))]),
    .target(
      name: "CCurl", cSettings: [.define("PIPEROLL_HTTP", .when(traits: [http]))]),

    // Ground.
    .target(name: "Quantities", swiftSettings: hot),
    .target(name: "ByteCoding", swiftSettings: hot),
    .target(name: "PlatformIO", dependencies: ["CPlatform", "Quantities"], swiftSettings: hot),
    .target(
      name: "SimulatedIO", dependencies: ["PlatformIO", "Quantities"], swiftSettings: strict),

    .target(
      name: "Cryptography", dependencies: ["ByteCoding", "COpenSSL", "CSHA256", "CSodium"],
      swiftSettings: hot),

    // Core.
    .target(
      name: "Integrity", dependencies: ["ByteCoding", "Cryptography"], swiftSettings: hot),
    .target(
      name: "LogFormat", dependencies: ["ByteCoding", "Quantities", "CChecksum"],
      swiftSettings: hot),
    .target(
      name: "LogEvidence",
      dependencies: ["LogFormat", "Integrity", "Cryptography", "ByteCoding", "Quantities"],
      swiftSettings: hot),
    .target(
      name: "CommitLog",
      dependencies: [
        "LogEvidence", "LogFormat", "Integrity", "Cryptography", "PlatformIO", "ByteCoding",
        "Quantities",
      ],
      swiftSettings: hot),

    .target(
      name: "AsyncLog", dependencies: ["CommitLog", "LogFormat", "PlatformIO", "Quantities"],
      swiftSettings: strict),

    .target(
      name: "EvidenceFiles",
      dependencies: ["Integrity", "Cryptography", "ByteCoding", "PlatformIO", "Quantities"],
      swiftSettings: strict),
    .target(
      name: "EvidenceHTTP",
      dependencies: [
        "EvidenceFiles", "Integrity", "Cryptography", "PlatformIO", "CMicroHTTPD", "CCurl",
      ],
      swiftSettings: strict),

    .target(
      name: "LogCheckpoints",
      dependencies: [
        "CommitLog", "EvidenceFiles", "LogFormat", "Integrity", "Cryptography", "PlatformIO",
        "Quantities",
      ],
      swiftSettings: strict),
    .target(
      name: "ErasableRecords",
      dependencies: [
        "CommitLog", "EvidenceFiles", "LogFormat", "Integrity", "Cryptography", "PlatformIO",
        "ByteCoding", "Quantities",
      ],
      swiftSettings: strict),
    .target(
      name: "AuditVerification",
      dependencies: [
        "LogEvidence", "LogFormat", "Integrity", "Cryptography", "PlatformIO", "ByteCoding",
        "Quantities",
      ],
      swiftSettings: hot),

    // Products.
    .target(
      name: "Piperoll", dependencies: ["AsyncLog", "CommitLog", "LogFormat", "Quantities"],
      swiftSettings: strict),

    // Crash tests.
    .target(
      name: "CrashScenarios",
      dependencies: [
        "CommitLog", "Cryptography", "LogFormat", "PlatformIO", "SimulatedIO", "ByteCoding",
        "Quantities",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "simulate",
      dependencies: [
        "CrashScenarios", "CommitLog", "LogFormat", "PlatformIO", "SimulatedIO", "ByteCoding",
        "Quantities",
      ],
      path: "Tools/Simulate", swiftSettings: strict),

    // Command line.
    .target(
      name: "CommandLineInterface", dependencies: ["ByteCoding", "PlatformIO", "Quantities"],
      swiftSettings: strict),
    .target(name: "CanonicalJSON", swiftSettings: strict),
    .target(
      name: "JSONFields", dependencies: ["CSIMDJSON", "CommandLineInterface", "Quantities"],
      swiftSettings: strict),

    .target(
      name: "PiperollCommands",
      dependencies: [
        "CommandLineInterface", "JSONFields", "CommitLog", "LogFormat", "PlatformIO", "ByteCoding",
        "Quantities", "EvidenceFiles", "Integrity", "LogCheckpoints", "ErasableRecords",
        "Cryptography",
        .target(name: "EvidenceHTTP", condition: .when(traits: [http])),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "piperoll", dependencies: ["PiperollCommands"], swiftSettings: strict),

    // The auditor.
    .target(
      name: "AuditReports",
      dependencies: [
        "AuditVerification", "CommandLineInterface", "Integrity", "Cryptography", "ByteCoding",
        "Quantities",
      ],
      exclude: ["audit-report-1.schema.json"], swiftSettings: strict),
    .target(
      name: "AuditCommands",
      dependencies: [
        "AuditReports", "AuditVerification", "CommandLineInterface", "EvidenceFiles", "Integrity",
        "Cryptography", "LogFormat", "PlatformIO", "ByteCoding", "Quantities",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "piperoll-audit", dependencies: ["AuditCommands", "CStaticProgram"],
      swiftSettings: strict),

    // Damage tests.
    .target(
      name: "DamageScenarios",
      dependencies: [
        "AuditVerification", "CommitLog", "LogFormat", "Integrity", "Cryptography", "PlatformIO",
        "SimulatedIO", "ByteCoding", "Quantities",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "damage", dependencies: ["DamageScenarios"], path: "Tools/Damage",
      swiftSettings: strict),

    // Tools.
    .executableTarget(
      name: "proof-samples",
      dependencies: [
        "Integrity", "Cryptography", "ByteCoding", "CommandLineInterface", "TestSupport",
      ],
      path: "Tools/ProofSamples", swiftSettings: tests),
    .executableTarget(
      name: "ask-witness",
      dependencies: [
        "Integrity", "Cryptography", "TestSupport",
        .target(name: "EvidenceHTTP", condition: .when(traits: [http])),
      ],
      path: "Tools/AskWitness", swiftSettings: tests),
    .executableTarget(
      name: "fuzz-proofs",
      dependencies: ["Integrity", "Cryptography", "ByteCoding", "TestSupport"],
      path: "Tools/FuzzProofs", swiftSettings: tests),
    .executableTarget(
      name: "follow", dependencies: ["CommitLog", "ByteCoding", "LogFormat", "PlatformIO"],
      path: "Tools/Follow", swiftSettings: tests),

    // Tests.
    .testTarget(
      name: "AsyncLogTests", dependencies: ["AsyncLog", "CommitLog", "LogFormat", "Quantities"],
      swiftSettings: tests),
    .testTarget(
      name: "AuditVerificationTests",
      dependencies: [
        "AuditVerification", "CommitLog", "EvidenceFiles", "LogCheckpoints", "LogEvidence",
        "LogFormat", "Integrity", "Cryptography", "PlatformIO", "SimulatedIO", "ByteCoding",
        "Quantities",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "CryptographyTests", dependencies: ["Cryptography", "ByteCoding", "TestSupport"],
      swiftSettings: tests),
    .testTarget(
      name: "IntegrityTests",
      dependencies: ["Integrity", "Cryptography", "ByteCoding", "TestSupport"],
      swiftSettings: tests),
    .testTarget(
      name: "LogEvidenceTests",
      dependencies: [
        "LogEvidence", "LogFormat", "Integrity", "Cryptography", "ByteCoding", "Quantities",
        "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "EvidenceFilesTests",
      dependencies: [
        "EvidenceFiles", "Integrity", "Cryptography", "PlatformIO", "SimulatedIO", "Quantities",
        "ByteCoding",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "ErasableRecordsTests",
      dependencies: [
        "ErasableRecords", "CommitLog", "EvidenceFiles", "LogFormat", "Integrity", "Cryptography",
        "PlatformIO", "SimulatedIO", "ByteCoding", "Quantities",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "LogCheckpointsTests",
      dependencies: [
        "LogCheckpoints", "CommitLog", "LogFormat", "EvidenceFiles", "Integrity", "Cryptography",
        "PlatformIO",
        "SimulatedIO", "Quantities",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "EvidenceHTTPTests",
      dependencies: [
        .target(name: "EvidenceHTTP", condition: .when(traits: [http])),
        "EvidenceFiles", "Integrity", "Cryptography", "ByteCoding", "PlatformIO", "SimulatedIO",
        "Quantities", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "CommitLogTests",
      dependencies: [
        "CommitLog", "LogFormat", "Integrity", "Cryptography", "PlatformIO", "SimulatedIO",
        "ByteCoding", "Quantities", "CPlatformTestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "CrashTests",
      dependencies: [
        "CrashScenarios", "CommitLog", "LogFormat", "PlatformIO", "SimulatedIO", "Quantities",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "DamageTests",
      dependencies: [
        "DamageScenarios", "CommitLog", "LogFormat", "PlatformIO", "SimulatedIO", "ByteCoding",
        "Quantities", "TestSupport",
      ],
      swiftSettings: tests),
    .target(name: "CPlatformTestSupport", path: "Tests/CPlatformTestSupport"),
    .testTarget(
      name: "PlatformIOTests",
      dependencies: ["PlatformIO", "Quantities", "CPlatform", "CPlatformTestSupport"],
      swiftSettings: tests),
    .testTarget(
      name: "PiperollTests",
      dependencies: ["Piperoll", "SimulatedIO", "PlatformIO"], swiftSettings: tests),
    .testTarget(name: "RepositoryTests", swiftSettings: tests),
    .testTarget(
      name: "SimulatedIOTests", dependencies: ["SimulatedIO", "PlatformIO", "Quantities"],
      swiftSettings: tests),
    .testTarget(
      name: "CommandLineInterfaceTests",
      dependencies: ["CommandLineInterface", "PlatformIO", "Quantities", "TestSupport"],
      swiftSettings: tests),
    .testTarget(
      name: "PiperollCommandsTests",
      dependencies: [
        "PiperollCommands", "CommandLineInterface", "CommitLog", "LogFormat", "PlatformIO",
        "SimulatedIO", "Quantities", "Integrity", "Cryptography", "EvidenceFiles", "ByteCoding",
        .target(name: "EvidenceHTTP", condition: .when(traits: [http])),
      ],
      swiftSettings: tests),
    .testTarget(
      name: "AuditReportsTests",
      dependencies: [
        "AuditReports", "AuditVerification", "Integrity", "Quantities", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "AuditCommandsTests",
      dependencies: [
        "AuditCommands", "AuditVerification", "CommandLineInterface", "CommitLog", "EvidenceFiles",
        "LogCheckpoints", "LogFormat", "Integrity", "Cryptography", "PlatformIO", "ByteCoding",
        "Quantities", "piperoll-audit",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "CanonicalJSONTests", dependencies: ["CanonicalJSON", "TestSupport"],
      swiftSettings: tests),
    .testTarget(
      name: "JSONFieldsTests", dependencies: ["JSONFields", "Quantities", "TestSupport"],
      swiftSettings: tests),
    .target(
      name: "TestSupport",
      dependencies: ["ByteCoding", "Quantities", "LogFormat", "Integrity", "Cryptography"],
      path: "Tests/TestSupport", swiftSettings: tests),
    .testTarget(
      name: "ByteCodingTests", dependencies: ["ByteCoding", "Quantities", "TestSupport"],
      swiftSettings: tests),
    .testTarget(
      name: "LogFormatTests",
      dependencies: ["LogFormat", "ByteCoding", "Quantities", "CChecksum", "TestSupport"],
      swiftSettings: tests),
    .executableTarget(
      name: "regenerate-fixtures", dependencies: ["TestSupport"],
      path: "Tools/RegenerateFixtures", swiftSettings: tests),
    .executableTarget(
      name: "fuzz-format",
      dependencies: ["TestSupport", "LogFormat", "ByteCoding", "Quantities"],
      path: "Tools/FuzzFormat", swiftSettings: tests),
  ],
  cLanguageStandard: .c17,
  cxxLanguageStandard: .cxx17
)

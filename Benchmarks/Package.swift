// swift-tools-version: 6.3
import PackageDescription

/// As in the parent package: every Swift source target is built alike, warnings are errors.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"), .enableExperimentalFeature("Lifetimes"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let hot: [SwiftSetting] =
  strict + [
    .unsafeFlags(
      ["-enforce-exclusivity=unchecked", "-cross-module-optimization"],
      .when(configuration: .release))
  ]

let tests: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let cStrict: [CSetting] = [
  .enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error),
  .define("_GNU_SOURCE"),
]

let package = Package(
  name: "piperoll-benchmarks",
  products: [
    .library(name: "BenchmarkHarness", targets: ["BenchmarkHarness"]),
    .executable(name: "engine-benchmarks", targets: ["EngineSuite"]),
  ],
  dependencies: [.package(name: "piperoll", path: "..")],
  targets: [
    .target(name: "CHarness", path: "CHarness", cSettings: cStrict),
    .target(
      name: "CLimits", path: "CLimits", cSettings: cStrict,
      linkerSettings: [.linkedLibrary("xxhash")]),
    .target(
      name: "CPeers", path: "CPeers", cSettings: cStrict,
      cxxSettings: [
        .enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error),
      ],
      linkerSettings: [
        .linkedLibrary("rocksdb"), .linkedLibrary("leveldb"), .linkedLibrary("lmdb"),
        .linkedLibrary("sqlite3"),
      ]),
    .target(
      name: "BenchmarkHarness", dependencies: ["CHarness"], path: "BenchmarkHarness",
      swiftSettings: hot),
    .executableTarget(
      name: "EngineSuite",
      dependencies: [
        "BenchmarkHarness", "CLimits", "CPeers",
        .product(name: "CommitLog", package: "piperoll"),
        .product(name: "Integrity", package: "piperoll"),
        .product(name: "LogCheckpoints", package: "piperoll"),
        .product(name: "AuditVerification", package: "piperoll"),
        .product(name: "ErasableRecords", package: "piperoll"),
      ],
      path: "EngineSuite", swiftSettings: hot),
    .testTarget(
      name: "BenchmarkHarnessTests", dependencies: ["BenchmarkHarness", "CHarness"],
      path: "Tests/BenchmarkHarnessTests", swiftSettings: tests),
  ],
  cLanguageStandard: .c17,
  cxxLanguageStandard: .cxx17
)

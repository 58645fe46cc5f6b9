// swift-tools-version: 6.3
import PackageDescription

/// Settings every Swift source target is built with (STYLE: strictness is part of the design).
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"), .enableExperimentalFeature("Lifetimes"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// Modules on the append and read paths: no dynamic exclusivity checks in release, inlining across modules.
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

let package = Package(
  name: "piperoll",
  products: [],
  targets: [
    .target(name: "Quantities", swiftSettings: hot),
    .target(name: "PlatformIO", dependencies: ["Quantities"], swiftSettings: hot),
    .target(
      name: "CommandLineInterface", dependencies: ["Quantities", "PlatformIO"],
      swiftSettings: strict),
    .target(name: "CSIMDJSON", linkerSettings: [.linkedLibrary("simdjson")]),
    .target(
      name: "JSONFields", dependencies: ["CSIMDJSON", "CommandLineInterface", "Quantities"],
      swiftSettings: strict),
    .testTarget(
      name: "CommandLineInterfaceTests", dependencies: ["CommandLineInterface", "Quantities"],
      swiftSettings: tests),
    .testTarget(
      name: "JSONFieldsTests", dependencies: ["JSONFields", "Quantities"],
      swiftSettings: tests),
  ],
  cLanguageStandard: .c17,
  cxxLanguageStandard: .cxx17
)

import Testing

/// Who may import whom. The table is the architecture: a new line in it is a decision.
@Suite struct ImportTableTests {
  /// Modules of this package that each target may import.
  static let table: [String: Set<String>] = [
    // C: nothing but the C library and the library wrapped.
    "CPlatform": [], "CChecksum": [], "CSIMDJSON": [], "CSHA256": [], "COpenSSL": [], "CSodium": [],
    "CMicroHTTPD": [], "CCurl": [], "CStaticProgram": [],
    // Ground.
    "Quantities": [],
    "ByteCoding": [],
    "PlatformIO": ["CPlatform", "Quantities"],
    "SimulatedIO": ["PlatformIO", "Quantities"],
    "Cryptography": ["ByteCoding", "COpenSSL", "CSHA256", "CSodium"],
    // Core.
    "Integrity": ["ByteCoding", "Cryptography"],
    "LogFormat": ["ByteCoding", "CChecksum", "Quantities"],
    "LogEvidence": ["ByteCoding", "Cryptography", "Integrity", "LogFormat", "Quantities"],
    "CommitLog": [
      "ByteCoding", "Cryptography", "Integrity", "LogEvidence", "LogFormat", "PlatformIO",
      "Quantities",
    ],
    "EvidenceFiles": ["ByteCoding", "Cryptography", "Integrity", "PlatformIO", "Quantities"],
    "EvidenceHTTP": [
      "CCurl", "CMicroHTTPD", "Cryptography", "EvidenceFiles", "Integrity", "PlatformIO",
    ],
    "LogCheckpoints": [
      "CommitLog", "Cryptography", "EvidenceFiles", "Integrity", "LogFormat", "PlatformIO",
      "Quantities",
    ],
    "ErasableRecords": [
      "ByteCoding", "CommitLog", "Cryptography", "EvidenceFiles", "Integrity", "LogFormat",
      "PlatformIO", "Quantities",
    ],
    "AuditVerification": [
      "ByteCoding", "Cryptography", "Integrity", "LogEvidence", "LogFormat", "PlatformIO",
      "Quantities",
    ],
    "AsyncLog": ["CommitLog", "LogFormat", "PlatformIO", "Quantities"],
    "CrashScenarios": [
      "ByteCoding", "CommitLog", "Cryptography", "LogFormat", "PlatformIO", "Quantities",
      "SimulatedIO",
    ],
    "DamageScenarios": [
      "AuditVerification", "ByteCoding", "CommitLog", "Cryptography", "Integrity", "LogFormat",
      "PlatformIO", "Quantities", "SimulatedIO",
    ],
    // Command line.
    "CommandLineInterface": ["ByteCoding", "PlatformIO", "Quantities"],
    "CanonicalJSON": [],
    "JSONFields": ["CSIMDJSON", "CommandLineInterface", "Quantities"],
    "PiperollCommands": [
      "ByteCoding", "CommandLineInterface", "CommitLog", "Cryptography", "ErasableRecords",
      "EvidenceFiles", "EvidenceHTTP", "Integrity", "JSONFields", "LogCheckpoints", "LogFormat",
      "PlatformIO", "Quantities",
    ],
    "AuditReports": [
      "AuditVerification", "ByteCoding", "CommandLineInterface", "Cryptography", "Integrity",
      "Quantities",
    ],
    "AuditCommands": [
      "AuditReports", "AuditVerification", "ByteCoding", "CommandLineInterface", "Cryptography",
      "EvidenceFiles", "Integrity", "LogFormat", "PlatformIO", "Quantities",
    ],
    // Products.
    "piperoll": ["PiperollCommands"],
    "piperoll-audit": ["AuditCommands", "CStaticProgram"],
    "Piperoll": ["AsyncLog", "CommitLog", "LogFormat", "Quantities"],
  ]

  /// Modules of the toolchain that sources may import, and who may.
  static let systemModules: [String: Set<String>] = [
    "Synchronization": [
      "AsyncLog", "AuditCommands", "CommandLineInterface", "CommitLog", "CrashScenarios",
      "DamageScenarios",
      "PiperollCommands", "PlatformIO", "SimulatedIO",
    ],
    "Glibc": [
      "AuditVerification",
      "CommandLineInterface", "CrashScenarios", "DamageScenarios", "EvidenceFiles",
      "PiperollCommands", "PlatformIO", "SimulatedIO", "piperoll", "piperoll-audit",
    ],
  ]

  static func imports(_ source: SwiftSource) -> [(line: Int, module: String)] {
    source.code.enumerated().compactMap { number, line in
      let words = line.split(separator: " ")
      guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count,
        words[..<keyword].allSatisfy({ $0.hasPrefix("@") || Self.accessLevels.contains($0) })
      else { return nil }
      // `import struct Module.Type` names a declaration.
      let name = words[words.count - 1].split(separator: ".")[0]
      return (number, String(name))
    }
  }

  static let accessLevels: Set<Substring> = [
    "public", "package", "internal", "fileprivate", "private",
  ]

  @Test func `every target has its line in the import table`() throws {
    let targets = Set(try PackageDescription().sources.map(\.name))
    let missing = targets.subtracting(Self.table.keys).sorted()
    #expect(missing.isEmpty, "without a line in the table: \(missing.listed)")
    let obsolete = Set(Self.table.keys).subtracting(targets)
    #expect(obsolete.isEmpty, "in the table, but no targets: \(obsolete.sorted().listed)")
  }

  @Test func `Package swift lets no target depend on more than the table allows`() throws {
    for target in try PackageDescription().sources {
      let excess = Set(target.dependencies).subtracting(Self.table[target.name] ?? [])
      #expect(excess.isEmpty, "\(target.name) must not depend on \(excess.sorted())")
    }
  }

  @Test func `the import table has no cycles`() {
    var resolved: Set<String> = []
    var left = Self.table
    while let next = left.first(where: { $0.value.isSubset(of: resolved) }) {
      resolved.insert(next.key)
      left[next.key] = nil
    }
    #expect(left.isEmpty, "these depend on each other: \(left.keys.sorted())")
  }

  @Test func `sources import what the table allows and nothing else`() throws {
    var violations: [String] = []
    for target in try PackageDescription().sources {
      let allowed = Self.table[target.name] ?? []
      for source in SwiftSource.under(target.path) {
        for (line, module) in Self.imports(source) {
          let isAllowed =
            allowed.contains(module) || Self.systemModules[module]?.contains(target.name) ?? false
          if !isAllowed { violations.append("\(source.place(line)): \(module)") }
        }
      }
    }
    #expect(violations.isEmpty, "imports against the table: \(violations.listed)")
  }

  @Test func `targets depend on nothing that they do not import`() throws {
    for target in try PackageDescription().sources where target.name.first != "C" {
      let imported = Set(SwiftSource.under(target.path).flatMap { Self.imports($0).map(\.module) })
      let unused = Set(target.dependencies).subtracting(imported)
      #expect(unused.isEmpty, "\(target.name) does not import \(unused.sorted())")
    }
  }

  @Test func `no library imports Foundation`() {
    var violations: [String] = []
    for source in SwiftSource.under("Sources") {
      for (line, module) in Self.imports(source) where module.hasPrefix("Foundation") {
        violations.append(source.place(line))
      }
    }
    #expect(violations.isEmpty, "Foundation is imported in \(violations.listed)")
  }
}

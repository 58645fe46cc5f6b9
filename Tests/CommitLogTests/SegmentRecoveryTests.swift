import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import CommitLog

/// Records that are larger than the limits of the opening that finds them.
@Suite struct SegmentRecoveryTests {
  /// A record larger than the lowered limits.
  static let large = [UInt8](repeating: 0x6c, count: 1 << 20)

  /// Bytes of all files of streams, and of what was set aside.
  static func files(_ machine: Machine) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for path in machine.disk.paths
    where path.hasPrefix("/data/s/s/") || path.hasPrefix("/data/s/q/") {
      files[path] = try machine.disk.readFile(path)
    }
    return files
  }

  /// Whether opening the stream is refused because of the limits.
  static func isRefused(_ machine: Machine) throws -> Bool {
    let store = try machine.open()
    defer { store.close() }
    do throws(OpenError) {
      _ = try store.stream(StreamName("s"))
      return false
    } catch {
      guard case .overLimit(let path, .overLimit) = error else { throw error }
      return path.hasPrefix("/data/s/s/")
    }
  }

  @Test(arguments: everyClass)
  func `a record over the limits of an opening is refused and not cut`(_ durability: Durability)
    throws
  {
    try withStream(small(durability)) { machine, log in
      for index in 0..<10 { try log.append(bytes("before \(index)")) }
      try log.flush()
      try log.append(Self.large)
      for index in 0..<10 { try log.append(bytes("after \(index)")) }
      try log.flush()
      var killed = machine.crashed(.processKill)
      let before = try Self.files(killed)
      killed.options.limits.recordByteCountLimit = 64 << 10
      for _ in 0..<2 { #expect(try Self.isRefused(killed)) }
      #expect(try Self.files(killed) == before)
      #expect(throws: ReadError.self) {
        var reader = try StoreReader.open(
          at: "/data/s", options: killed.options, environment: killed.environment
        ).makeReader(of: StreamName("s"))
        while try reader.read({ _ in }) > 0 {}
      }
      killed.options = machine.options
      let store = try killed.open()
      #expect(try values(opened(store)) == values(log))
      store.close()
      try expectSound(killed)
    }
  }

  @Test(arguments: everyClass, [VerificationMode.once, .never])
  func `a record over the limits of an opening is not stepped over, wherever it stands`(
    _ durability: Durability, _ verification: VerificationMode
  ) throws {
    var machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try store.createStream(StreamName("s"), options: small(durability))
    for index in 0..<10 { try log.append(bytes("before \(index)")) }
    try log.append(Self.large)
    // Far into later segments.
    for _ in 0..<40 { try log.append([UInt8](repeating: 2, count: 30_000)) }
    try log.flush()
    store.close()
    let usual = machine.options
    machine.options.limits.recordByteCountLimit = 64 << 10
    var options = ReaderOptions()
    options.verification = verification
    var reader = try StoreReader.open(
      at: "/data/s", options: machine.options, environment: machine.environment
    ).makeReader(of: StreamName("s"), options: options)
    #expect(try reader.records(max: .max).count == 10)
    for _ in 0..<3 {
      do throws(ReadError) {
        let count = try reader.read { _ in }
        Issue.record("went on behind the record, with \(count) more")
      } catch {
        guard case .open(.overLimit(_, .overLimit(_, let value, _))) = error else { throw error }
        #expect(value > 1 << 20 && reader.nextOffset.rawValue == 10)
      }
    }
    try reader.seek(to: .offset(Offset(rawValue: 11)))
    #expect(try reader.records(max: .max).count == 40)
    machine.options = usual
    try expectSound(machine)
  }

  @Test(arguments: everyClass)
  func `a verification that ends at a record over its limits does not call the store sound`(
    _ durability: Durability
  ) throws {
    try withStream(small(durability)) { machine, log in
      try log.append(bytes("before"))
      try log.append(Self.large)
      try log.append(bytes("after"))
      try log.flush()
      var killed = machine.crashed(.processKill)
      try expectSound(killed)
      killed.options.limits.recordByteCountLimit = 64 << 10
      let report = try StoreVerification.run(
        at: "/data/s", options: killed.options, environment: killed.environment)
      #expect(!report.isSound)
    }
  }
}

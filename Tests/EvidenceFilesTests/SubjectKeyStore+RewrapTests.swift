import Cryptography
import EvidenceFiles
import Integrity
import PlatformIO
import SimulatedIO
import Synchronization
import Testing

@Suite struct SubjectKeyStoreRewrapTests {
  private static let names = (0..<5).map { "subject \($0)" }

  /// A store with five keys and an erased subject.
  private func rig() throws -> (KeyRig, [String: [UInt8]]) {
    let rig = try KeyRig()
    let store = try rig.open()
    var marks: [String: [UInt8]] = [:]
    for name in Self.names { marks[name] = try store.mark(name) }
    _ = try store.mark("gone")
    try store.erase(KeyRig.name("gone"))
    return (rig, marks)
  }

  private func check(
    _ rig: KeyRig, _ marks: [String: [UInt8]], masters: [UInt8], _ comment: Comment
  ) throws {
    let store = try rig.open(masters: masters)
    for name in Self.names { #expect(try store.mark(name) == marks[name], comment) }
    #expect(try store.mark("gone") == nil, comment)
  }

  @Test func `after a change of the master key the old one opens nothing`() throws {
    let (rig, marks) = try rig()
    let before = try rig.subjectPaths.map { try rig.disk.readFile($0) }
    do {
      let store = try rig.open(masters: [1])
      let report = try store.rewrap(with: KeyRig.master(2))
      #expect(report.keyCount == 5 && report.erasedCount == 1 && report.damagedPaths.isEmpty)
      _ = try store.mark("late")
    }
    for rig in [rig, rig.afterPowerCut] {
      try check(rig, marks, masters: [2], "the new master key")
      #expect(try rig.open(masters: [2]).mark("late", isNew: false) != nil)
      let error = storeError { () throws(SubjectKeyStoreError) in _ = try rig.open(masters: [1]) }
      guard case .masterKeyUnknown(path: "/keys/index", _) = error else {
        Issue.record("opened: \(String(describing: error))")
        continue
      }
      // No sector with a key of before is left.
      let now = try rig.subjectPaths.map { try rig.disk.readFile($0) }
      for old in before where old[0] != 0 {
        let sector = Array(old.prefix(512))
        #expect(now.allSatisfy { Array($0[0..<512]) != sector && Array($0[512..<1_024]) != sector })
      }
    }
    // And on to a third, and the same once more.
    for _ in 0..<2 { _ = try rig.open(masters: [2, 3]).rewrap(with: KeyRig.master(3)) }
    try check(rig, marks, masters: [3], "the third")
  }

  @Test func `a damaged file is reported and stays, and the others get the new master key`()
    throws
  {
    let (rig, marks) = try rig()
    let path = try #require(rig.subjectPaths.first { (try? rig.disk.readFile($0)[0]) != 0 })
    try rig.disk.flipBit(path, byte: 50, bit: 3)
    let bytes = try rig.disk.readFile(path)
    let report = try rig.open(masters: [1]).rewrap(with: KeyRig.master(2))
    #expect(report.keyCount == 4 && report.damagedPaths == [path])
    #expect(try rig.disk.readFile(path) == bytes)
    var foundCount = 0
    let store = try rig.open(masters: [2])
    for name in Self.names {
      if let mark = try? store.mark(name) {
        #expect(mark == marks[name])
        foundCount += 1
      }
    }
    #expect(foundCount == 4)
  }

  @Test func `wherever the power goes during a change no key is lost and it can go on`() throws {
    let (rig, marks) = try rig()
    let store = try rig.open()
    let images = Mutex<[(SimulatedFileSystem, Int)]>([])
    rig.disk.observeOperations { operation in
      var some = [CrashPlan.processKill, .loseAll, .keepAll].map {
        rig.disk.crashImage($0, seed: 1)
      }
      for seed in 0..<4 as Range<UInt64> {
        for granularity in [512, 1] {
          some.append(
            rig.disk.crashImage(
              .random(tearGranularity: granularity), seed: UInt64(operation.number) * 100 + seed))
        }
      }
      images.withLock { images in images += some.map { ($0, operation.number) } }
    }
    _ = try store.rewrap(with: KeyRig.master(2))
    rig.disk.observeOperations(nil)
    let all = images.withLock { $0 }
    #expect(all.count >= 100)
    for (image, number) in all {
      let rig = KeyRig(image)
      try check(rig, marks, masters: [1, 2], "before operation \(number)")
      // Whoever changed his mind goes on to a third.
      let next: UInt8 = number.isMultiple(of: 3) ? 3 : 2
      let report = try rig.open(masters: [1, 2]).rewrap(with: KeyRig.master(next))
      #expect(report.keyCount == 5 && report.damagedPaths.isEmpty)
      try check(rig.afterPowerCut, marks, masters: [next], "gone on at operation \(number)")
    }
  }

  @Test func `whatever fails during a change no key is lost and it can be repeated`() throws {
    var failedCount = 0
    for number in 1..<20 {
      for form in [FaultPlan.Form.lost, .kept, .partial()] {
        let (rig, marks) = try rig()
        do {
          let store = try rig.open()
          rig.disk.faultPlan = .failing(operation: rig.disk.operationCount + number, form: form)
          let isDone = (try? store.rewrap(with: KeyRig.master(2))) != nil
          if !isDone { failedCount += 1 }
          rig.disk.faultPlan = .none
          try check(rig.afterPowerCut, marks, masters: [1, 2], "\(number) \(form)")
          let report = try store.rewrap(with: KeyRig.master(2))
          #expect(report.keyCount == 5)
        }
        try check(rig.afterPowerCut, marks, masters: [2], "\(number) \(form), repeated")
      }
    }
    #expect(failedCount >= 30)
  }
}

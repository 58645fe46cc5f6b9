import Cryptography
import EvidenceFiles
import Integrity
import PlatformIO
import SimulatedIO
import Synchronization
import Testing

@Suite struct SubjectKeyStoreKeysTests {
  @Test func `a subject keeps its key, and names of subjects stand nowhere`() throws {
    let rig = try KeyRig()
    let names: [[UInt8]] = [
      [0], [0, 0], KeyRig.name("alice"), KeyRig.name("../../etc"), [0xff, 0x2f, 0x0a],
      [UInt8](repeating: 7, count: 1_024),
    ]
    var marks: [[UInt8]] = []
    for seed in 1...3 as ClosedRange<UInt64> {
      let store = try rig.open(seed: seed)
      for (number, name) in names.enumerated() {
        if seed == 1 { #expect(try store.existingKey(for: name) == nil) }
        let mark = try #require(KeyRig.mark(store.key(for: name)))
        if seed == 1 { marks.append(mark) }
        #expect(mark == marks[number])
        #expect(try KeyRig.mark(store.existingKey(for: name)) == mark)
      }
    }
    #expect(Set(marks).count == names.count)
    #expect(rig.subjectPaths.count == names.count)
    for path in rig.subjectPaths {
      #expect(!path.contains("alice") && !path.contains(SHA256.digest(names[2]).description))
      #expect(try rig.disk.readFile(path).count == 1_536)
    }
    for name in [[], [UInt8](repeating: 7, count: 1_025)] {
      #expect(
        storeError { () throws(SubjectKeyStoreError) in _ = try rig.open().key(for: name) }
          == .name(byteCount: name.count))
    }
  }

  @Test func `threads that ask at once are given one key`() async throws {
    let rig = try KeyRig()
    let store = try rig.open()
    let found = Guarded<[[UInt8]: Int]>([:])
    let threads = try (0..<8).map { number in
      try DedicatedThread.start(name: "asker \(number)") {
        for subject in 0..<20 {
          if let mark = try? store.mark("subject \(subject)") {
            found.withLock { $0[mark, default: 0] += 1 }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(found.withLock { $0.count } == 20)
    #expect(found.withLock { $0.values.allSatisfy { $0 == 8 } })
  }

  @Test func `an erased subject has no key, no bytes of one, and no new one unasked`() throws {
    let rig = try KeyRig()
    var old: [UInt8]?
    do {
      let store = try rig.open()
      old = try store.mark("alice")
      let bob = try store.mark("bob")
      #expect(try store.erase(KeyRig.name("alice")))
      #expect(try !store.erase(KeyRig.name("nobody")))
      #expect(try store.mark("alice") == nil && store.mark("bob") == bob)
    }
    let erased = rig.subjectPaths.filter {
      (try? rig.disk.readFile($0).prefix(1_024).allSatisfy { $0 == 0 }) ?? false
    }
    #expect(erased.count == 1 && rig.subjectPaths.count == 2)
    let path = try #require(erased.first)
    for rig in [rig, rig.afterPowerCut] {
      let store = try rig.open(seed: 9)
      for isNew in [true, false] { #expect(try store.mark("alice", isNew: isNew) == nil) }
      #expect(
        storeError { () throws(SubjectKeyStoreError) in
          _ = try store.key(for: KeyRig.name("alice"))
        } == .erased(path: path))
      #expect(try store.erase(KeyRig.name("alice")))
      let new = try KeyRig.mark(store.key(for: KeyRig.name("alice"), renewingErased: true))
      #expect(new != old && new != nil)
      #expect(try store.mark("alice") == new)
    }
  }

  @Test func `a damaged key file is an error, stays as it is, and can be erased`() throws {
    let rig = try KeyRig()
    let mark = try rig.open().mark("alice")
    let path = try #require(rig.subjectPaths.first)
    let bytes = try rig.disk.readFile(path)
    func check(_ other: [UInt8], _ comment: Comment) throws {
      try rig.disk.replaceFile(path, with: other)
      let store = try rig.open()
      for isNew in [true, false] {
        #expect(
          storeError { () throws(SubjectKeyStoreError) in
            _ = try store.mark("alice", isNew: isNew)
          } == .damaged(path: path), comment)
      }
      #expect(try rig.disk.readFile(path) == other)
    }
    // The sector of the key: head, number, wrapped key and digest.
    for bit in 0..<124 * 8 {
      var other = bytes
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      try check(other, "bit \(bit)")
    }
    for count in [0, 1, 511, 512, 1_024, 1_535] {
      try check(Array(bytes.prefix(count)), "cut to \(count)")
    }
    try check(bytes + [0], "one byte more")
    try check([UInt8](repeating: 0, count: 1_536), "zeros")
    // What another subject's file says is not this one's.
    try rig.disk.replaceFile(path, with: bytes)
    _ = try rig.open().mark("bob")
    let other = try #require(rig.subjectPaths.first { $0 != path })
    try check(rig.disk.readFile(other), "another subject's")
    #expect(try rig.open().erase(KeyRig.name("alice")))
    #expect(try rig.open().mark("alice") == nil)
    #expect(mark != nil)
  }

  @Test func `what stands in the place of a key file is never followed or replaced`() throws {
    for isFolder in [true, false] {
      let rig = try KeyRig()
      _ = try rig.open().mark("alice")
      let path = try #require(rig.subjectPaths.first)
      try rig.disk.removeFile(path)
      if isFolder {
        try rig.disk.placeDirectory(at: path)
      } else {
        try rig.disk.placeSpecialFile(.symbolicLink(to: "/keys/index"), at: path)
      }
      let store = try rig.open()
      for isNew in [true, false] {
        let error = storeError { () throws(SubjectKeyStoreError) in
          _ = try store.mark("alice", isNew: isNew)
        }
        guard case .fileSystem(let error) = error else {
          Issue.record("found: \(String(describing: error))")
          continue
        }
        #expect(error.reason == .notARegularFile)
      }
    }
  }

  @Test func `a mark of erasure of another subject erases nobody`() throws {
    let rig = try KeyRig()
    let mark: [UInt8]?
    do {
      let store = try rig.open()
      mark = try store.mark("alice")
      _ = try store.mark("bob")
      try store.erase(KeyRig.name("bob"))
    }
    let files = try rig.subjectPaths.map { ($0, try rig.disk.readFile($0)) }
    let alice = try #require(files.first { $0.1[0] != 0 })
    let bob = try #require(files.first { $0.1[0] == 0 })
    try rig.disk.replaceFile(alice.0, with: Array(alice.1.prefix(1_024) + bob.1.suffix(512)))
    #expect(try rig.open().mark("alice") == mark)
  }

  /// What was promised to whoever called: which keys were shown, and which subjects are erased.
  private struct Promises {
    var marks: [String: [UInt8]] = [:]
    /// Erasures that were begun; they may have taken place.
    var begun: Set<String> = []
    var erased: Set<String> = []
  }

  private static let names = ["alice", "bob", "carol"]

  /// Looks at a store after a restart: promises hold, and what is found now holds from now on.
  private func check(_ rig: KeyRig, _ promises: Promises, _ comment: Comment) throws {
    var found: [String: [UInt8]] = [:]
    do {
      let store = try rig.open(seed: 77)
      for name in Self.names {
        let mark = try store.mark(name, isNew: false)
        if promises.erased.contains(name) {
          #expect(
            storeError { () throws(SubjectKeyStoreError) in
              _ = try store.key(for: KeyRig.name(name))
            } != nil, comment)
          continue
        }
        let shown = promises.marks[name]
        if let shown, !promises.begun.contains(name) { #expect(mark == shown, comment) }
        // Never another key than the one that was shown.
        let now = try store.mark(name)
        if let shown, let now { #expect(now == shown, comment) }
        found[name] = now
      }
    }
    let store = try rig.afterPowerCut.open(seed: 78)
    for name in Self.names { #expect(try store.mark(name) == found[name], comment) }
  }

  /// Makes and erases keys, telling what is promised meanwhile.
  private func work(_ store: SubjectKeyStore, _ promises: borrowing Mutex<Promises>) throws {
    for name in Self.names {
      let mark = try store.mark(name)
      promises.withLock { $0.marks[name] = mark }
    }
    promises.withLock { _ = $0.begun.insert("bob") }
    try store.erase(KeyRig.name("bob"))
    promises.withLock { _ = $0.erased.insert("bob") }
  }

  @Test func `wherever the power goes a subject has its key or is erased for ever`() throws {
    let rig = try KeyRig()
    let store = try rig.open()
    let promises = Mutex(Promises())
    let images = Mutex<[(SimulatedFileSystem, Promises, Int)]>([])
    rig.disk.observeOperations { operation in
      var some = [CrashPlan.processKill, .loseAll, .keepAll].map {
        rig.disk.crashImage($0, seed: 1)
      }
      for seed in 0..<6 as Range<UInt64> {
        some.append(rig.disk.crashImage(.random, seed: UInt64(operation.number) * 100 + seed))
        some.append(
          rig.disk.crashImage(
            CrashPlan(tearGranularity: 1, destroysOverwrittenSectors: false),
            seed: UInt64(operation.number) * 100 + seed))
      }
      let now = promises.withLock { $0 }
      images.withLock { images in images += some.map { ($0, now, operation.number) } }
    }
    try work(store, promises)
    rig.disk.observeOperations(nil)
    let all = images.withLock { $0 }
    #expect(all.count >= 200)
    for (image, promises, number) in all {
      try check(KeyRig(image), promises, "before operation \(number)")
    }
    try check(rig.afterPowerCut, promises.withLock { $0 }, "at the end")
  }

  @Test func `whatever fails, a subject has its key or is erased for ever`() throws {
    var failedCount = 0
    for number in 1..<60 {
      for form in [FaultPlan.Form.lost, .kept, .partial()] {
        for drops in [false, true] {
          let rig = try KeyRig()
          let start = rig.disk.operationCount
          let promises = Mutex(Promises())
          do {
            let store = try rig.open()
            rig.disk.faultPlan = .failing(
              operation: start + number, form: form, dropsDirtyPages: drops)
            let isDone = (try? work(store, promises)) != nil
            if !isDone { failedCount += 1 }
            try check(rig.afterPowerCut, promises.withLock { $0 }, "\(number) \(form), cut at once")
            rig.disk.faultPlan = .none
            // Whoever tries again, without a restart, succeeds.
            if !isDone {
              for name in Self.names {
                guard let mark = try store.mark(name) else {
                  #expect(promises.withLock { $0.begun.contains(name) })
                  continue
                }
                let shown = promises.withLock { promises in
                  let shown = promises.marks[name]
                  promises.marks[name] = mark
                  return shown
                }
                #expect(shown == nil || shown == mark)
              }
              try store.erase(KeyRig.name("bob"))
              promises.withLock { _ = $0.erased.insert("bob") }
            }
          }
          try check(rig.afterPowerCut, promises.withLock { $0 }, "\(number) \(form), at the end")
        }
      }
    }
    #expect(failedCount >= 60)
  }
}

import Cryptography
import EvidenceFiles
import Integrity
import PlatformIO
import SimulatedIO
import Synchronization
import Testing

@Suite struct SubjectKeyStoreTests {
  @Test func `a store is made once, in an empty folder, and opened by one process at a time`()
    throws
  {
    let rig = try KeyRig()
    do {
      let store = try rig.open()
      #expect(
        storeError { () throws(SubjectKeyStoreError) in _ = try rig.open() }
          == .locked(path: "/keys"))
      #expect(store.path == "/keys")
    }
    #expect(
      storeError { () throws(SubjectKeyStoreError) in
        try SubjectKeyStore.create(at: "/keys", masterKey: KeyRig.master(1), fileSystem: rig.disk)
      } == .alreadyExists(path: "/keys"))
    try rig.disk.removeFile("/keys/index")
    #expect(
      storeError { () throws(SubjectKeyStoreError) in _ = try rig.open() }
        == .notAStore(path: "/keys"))
  }

  @Test func `a store opens under the master key it was made with and under no other`() throws {
    let rig = try KeyRig()
    let number = WrappedKey.number(of: KeyRig.master(1))
    #expect(
      storeError { () throws(SubjectKeyStoreError) in _ = try rig.open(masters: [2, 3]) }
        == .masterKeyUnknown(path: "/keys/index", number: number))
    // A provider that gives another key than it was asked for is not believed.
    #expect(
      storeError { () throws(SubjectKeyStoreError) in
        _ = try SubjectKeyStore(opening: "/keys", fileSystem: rig.disk) { _ in KeyRig.master(2) }
      } == .masterKeyUnknown(path: "/keys/index", number: number))
    #expect(try rig.open(masters: [1]).mark("alice") != nil)
  }

  @Test func `every flipped bit of the index key is noticed`() throws {
    let rig = try KeyRig()
    let bytes = try rig.disk.readFile("/keys/index")
    for bit in stride(from: 0, to: 124 * 8, by: 1) {
      var other = bytes
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      try rig.disk.replaceFile("/keys/index", with: other)
      #expect(
        storeError { () throws(SubjectKeyStoreError) in _ = try rig.open() }
          == .damaged(path: "/keys/index"), "bit \(bit)")
    }
    for count in [0, 1, 512, 1535, 1537, 100_000] {
      try rig.disk.replaceFile(
        "/keys/index", with: Array((bytes + [UInt8](repeating: 0, count: 100_000)).prefix(count)))
      #expect(
        storeError { () throws(SubjectKeyStoreError) in _ = try rig.open() }
          == .damaged(path: "/keys/index"))
    }
  }

  @Test func `wherever the power goes while a store is made it is there or can be made`() throws {
    let disk = SimulatedFileSystem()
    let images = Mutex<[SimulatedFileSystem]>([])
    disk.observeOperations { operation in
      let some = [CrashPlan.processKill, .loseAll, .keepAll, .random].map {
        disk.crashImage($0, seed: UInt64(operation.number))
      }
      images.withLock { $0 += some }
    }
    try SubjectKeyStore.create(
      at: "/keys", masterKey: KeyRig.master(1), fileSystem: disk, random: SeededRandom(seed: 1))
    disk.observeOperations(nil)
    var foundCount = 0
    let all = images.withLock { $0 }
    for image in all {
      let rig = KeyRig(image)
      if image.exists("/keys/index") {
        foundCount += 1
      } else {
        try SubjectKeyStore.create(
          at: "/keys", masterKey: KeyRig.master(1), fileSystem: image,
          random: SeededRandom(seed: 5))
      }
      #expect(try rig.open().mark("alice") != nil)
    }
    #expect(all.count >= 24 && foundCount > 0 && foundCount < all.count)
    #expect(try KeyRig(disk).afterPowerCut.open().mark("alice") != nil)
  }
}

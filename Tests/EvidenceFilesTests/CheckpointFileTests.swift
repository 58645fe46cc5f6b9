import Cryptography
import EvidenceFiles
import Integrity
import PlatformIO
import SimulatedIO
import Synchronization
import Testing

@Suite struct CheckpointFileTests {
  private static let origin = "example.com/log"

  private func note(_ size: UInt64, root: UInt8 = 0, origin: String = origin) throws -> SignedNote {
    let key = try NoteSignerKey(
      name: #require(KeyName(Self.origin)), seed: [UInt8](repeating: 1, count: 32))
    let checkpoint = try Checkpoint(
      origin: origin, size: size, root: SHA256.digest([UInt8(size & 0xff), root]))
    var note = try SignedNote(text: checkpoint.text)
    try note.sign(with: key)
    return note
  }

  private func checkpoint(_ size: UInt64) throws -> Checkpoint {
    try Checkpoint(text: note(size).text)
  }

  private func disk() throws -> SimulatedFileSystem {
    let disk = SimulatedFileSystem()
    try disk.makeDirectory(path: "/keys")
    try disk.synchronizeParent(ofDirectoryAt: "/keys")
    return disk
  }

  private func open(_ disk: SimulatedFileSystem) throws -> CheckpointFile {
    try CheckpointFile(opening: "last", in: "/keys", fileSystem: disk)
  }

  @Test func `the last checkpoint is there again after the file was closed`() throws {
    let disk = try disk()
    for size in 1...5 as ClosedRange<UInt64> {
      let file = try open(disk)
      #expect(try file.checkpoint == (size == 1 ? nil : checkpoint(size - 1)))
      try file.advance(to: note(size), from: file.checkpoint)
      #expect(try file.note == note(size))
    }
    // Once more the same, as after an attempt of which nobody knows how it ended.
    let file = try open(disk)
    try file.advance(to: note(5), from: checkpoint(5))
  }

  @Test func `what contradicts the last checkpoint is refused, and nothing is written`() throws {
    let disk = try disk()
    let file = try open(disk)
    try file.advance(to: note(7), from: nil)
    let before = disk.contentDigest
    let contradictions = try [
      note(6), note(7, root: 1), note(8, origin: "example.com/other"), note(0),
    ]
    for other in contradictions {
      #expect(throws: CheckpointFileError.self) {
        try file.advance(to: other, from: checkpoint(7))
      }
    }
    #expect(throws: CheckpointFileError.changed(path: "/keys/last")) {
      try file.advance(to: note(9), from: checkpoint(6))
    }
    #expect(throws: CheckpointFileError.changed(path: "/keys/last")) {
      try file.advance(to: note(9), from: nil)
    }
    #expect(throws: CheckpointFileError.self) {
      try file.advance(to: SignedNote(text: Array("no checkpoint\n".utf8)), from: checkpoint(7))
    }
    #expect(disk.contentDigest == before)
    #expect(try file.checkpoint == checkpoint(7))
  }

  @Test func `one process at a time has the file`() throws {
    let disk = try disk()
    do {
      let first = try open(disk)
      #expect(throws: CheckpointFileError.locked(path: "/keys/last")) { try open(disk) }
      try first.advance(to: note(1), from: nil)
    }
    #expect(try open(disk).checkpoint == checkpoint(1))
  }

  @Test func `a file without a checkpoint is an error and stays as it is`() throws {
    for bytes in ["", "text\n\n— key AAAAAAAA\n", "example.com/log\n7\n"] {
      let disk = try disk()
      try disk.replaceFile("/keys/last", with: Array(bytes.utf8))
      do {
        _ = try open(disk)
        Issue.record("opened: \(bytes)")
      } catch let error as CheckpointFileError {
        guard case .damaged(path: "/keys/last", _) = error else { throw error }
      }
      #expect(try disk.readFile("/keys/last") == Array(bytes.utf8))
    }
    let disk = try disk()
    try disk.placeDirectory(at: "/keys/last")
    #expect(throws: CheckpointFileError.self) { try open(disk) }
  }

  @Test func `wherever the power goes the old or the new checkpoint is there`() throws {
    let disk = try disk()
    let first = try open(disk)
    try first.advance(to: note(1), from: nil)
    let images = Mutex<[SimulatedFileSystem]>([])
    disk.observeOperations { operation in
      let some = [CrashPlan.processKill, .loseAll, .keepAll, .random].map {
        disk.crashImage($0, seed: UInt64(operation.number))
      }
      images.withLock { $0 += some }
    }
    try first.advance(to: note(2), from: checkpoint(1))
    disk.observeOperations(nil)
    let all = images.withLock { $0 }
    #expect(all.count >= 20)
    var found: Set<UInt64> = []
    for image in all {
      let file = try open(image)
      let size = try #require(file.checkpoint).size
      #expect(try file.note == note(size))
      found.insert(size)
      // What a cut left lying around is in nobody's way.
      try file.advance(to: note(3), from: file.checkpoint)
      #expect(try open(image.crashImage(.loseAll, seed: 1)).checkpoint == checkpoint(3))
    }
    #expect(found == [1, 2])
    #expect(try open(disk.crashImage(.loseAll, seed: 1)).checkpoint == checkpoint(2))
  }

  @Test func `whatever fails, what may have been shown is never contradicted`() throws {
    var failedCount = 0
    for number in 1..<40 {
      for form in [FaultPlan.Form.lost, .kept] {
        let disk = try disk()
        do {
          let file = try open(disk)
          try file.advance(to: note(1), from: nil)
          disk.faultPlan = .failing(operation: number, form: form)
          let isDone = (try? file.advance(to: note(2), from: file.checkpoint)) != nil
          disk.faultPlan = .none
          if !isDone {
            failedCount += 1
            #expect(throws: CheckpointFileError.self) {
              try file.advance(to: note(2, root: 1), from: file.checkpoint)
            }
          }
          // Whoever tries again succeeds.
          try file.advance(to: note(2), from: file.checkpoint)
        }
        #expect(try open(disk.crashImage(.loseAll, seed: 1)).checkpoint == checkpoint(2))
      }
    }
    #expect(failedCount >= 8)
  }
}

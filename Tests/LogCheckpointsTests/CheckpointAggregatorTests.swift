import CommitLog
import Cryptography
import EvidenceFiles
import Integrity
import LogCheckpoints
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@Suite struct CheckpointAggregatorTests {
  private let rig: CheckpointRig
  private let store: Store
  private let parent: StreamLog

  init() throws {
    rig = try CheckpointRig()
    store = try rig.open()
    parent = try CheckpointRig.stream(store, "logs")
  }

  private func aggregator(_ logs: [ChildLog], policy: WitnessPolicy? = nil) throws
    -> CheckpointAggregator
  {
    try CheckpointAggregator(parent, of: store, keys: logs.map(\.key.verifier), policy: policy)
  }

  private func records() throws -> [[UInt8]] {
    try parent.flush()
    var reader = try parent.makeReader()
    return try reader.records(max: .max).map(\.value)
  }

  /// The error with which a checkpoint is refused; nothing is appended then.
  private func refusal(
    _ aggregator: CheckpointAggregator, _ note: SignedNote, path: [Digest]? = nil
  ) throws -> AggregationError {
    let before = parent.logEndOffset
    defer { #expect(parent.logEndOffset == before) }
    do throws(AggregationError) {
      _ = try aggregator.add(note) { (_, _) throws(AggregationError) in path }
    } catch {
      return error
    }
    throw Accepted()
  }

  private func refusal(_ aggregator: CheckpointAggregator, _ request: WitnessRequest) throws
    -> AggregationError
  {
    let before = parent.logEndOffset
    defer { #expect(parent.logEndOffset == before) }
    do throws(AggregationError) { _ = try aggregator.add(request) } catch { return error }
    throw Accepted()
  }

  private struct Accepted: Error {}

  @Test func `checkpoints of two stores are records that one signed parent proves`() throws {
    var aggregated: [(note: SignedNote, rig: CheckpointRig, store: Store, offset: Offset)] = []
    for (origin, seed) in [("child.example/a", 11), ("child.example/b", 12)] as [(String, UInt8)] {
      let child = try CheckpointRig(origin: origin, seed: seed)
      let childStore = try child.open()
      let log = try CheckpointRig.stream(childStore, "orders")
      let aggregator = try CheckpointAggregator(
        parent, of: store, keys: [child.key.verifier])
      for round in 0..<3 {
        try CheckpointRig.append(120, to: log)
        let signer = Checkpointer(
          childStore, .stream(log), origin: origin, key: child.key, file: try child.file())
        let note = try signer.checkpoint()
        let answer = try aggregator.add(note) { (held, size) throws(AggregationError) in
          #expect(held == UInt64(round * 120) && size == UInt64(round * 120 + 120))
          do throws(EvidenceError) {
            return try childStore.tree(of: log).consistencyProof(oldSize: held, size: size).path
          } catch {
            throw .evidence(error)
          }
        }
        guard case .appended(let offset) = answer else {
          Issue.record("\(answer)")
          return
        }
        #expect(try aggregator.add(note) == .known(offset))
        aggregated.append((note, child, childStore, offset))
      }
    }
    #expect(try records() == aggregated.map(\.note.encoded))
    // The parent signs once, for its stream or for the whole store; each record of each child follows.
    for (subject, name) in [(Checkpointer.Subject.stream(parent), "l1"), (.store, "l2")] {
      let signer = Checkpointer(
        store, subject, origin: CheckpointRig.origin, key: rig.key, file: try rig.file(name))
      let signed = try signer.checkpoint()
      for entry in aggregated {
        let child = try RecordProver(StreamName("orders"), of: entry.store).proof(
          of: Offset(rawValue: 17), under: entry.note)
        let above = try RecordProver(StreamName("logs"), of: store).proof(
          of: entry.offset, under: signed)
        let (checkpoint, leaf) = try child.verifyCheckpoint(
          in: above, origin: signer.origin, keys: [rig.key.verifier])
        #expect(leaf.offset == entry.offset.rawValue)
        #expect(try checkpoint == Checkpoint(text: signed.text))
      }
      let wrong = try RecordProver(StreamName("logs"), of: store).proof(
        of: aggregated[0].offset, under: signed)
      let other = try RecordProver(StreamName("orders"), of: aggregated[1].store).proof(
        of: Offset(rawValue: 17), under: aggregated[1].note)
      #expect(throws: ProofFile.ParentFailure.otherRecord(offset: 0)) {
        try other.verifyCheckpoint(in: wrong, origin: signer.origin, keys: [rig.key.verifier])
      }
    }
    for entry in aggregated { entry.store.close() }
    store.close()
  }

  @Test func `a fork, a rollback and an unproven or wrongly proven checkpoint are told apart`()
    throws
  {
    let log = try ChildLog("a")
    let other = try ChildLog("a", salt: 1)
    let aggregator = try aggregator([log])
    #expect(try aggregator.add(log.checkpoint(10)) == .appended(Offset(rawValue: 0)))
    #expect(try aggregator.add(log.checkpoint(10)) == .known(Offset(rawValue: 0)))
    let fork = try refusal(aggregator, other.checkpoint(10))
    #expect("\(fork)".hasPrefix("FORK: 'a' signed two trees of size 10: root \(log.root(10))"))
    #expect(fork.isContradiction && "\(fork)".contains("\(other.root(10))"))
    let rollback = try refusal(aggregator, log.checkpoint(9))
    #expect("\(rollback)".hasPrefix("ROLLBACK: 'a' signed size 10 (record 0), and now size 9"))
    #expect(rollback.isContradiction)
    let unproven = try refusal(aggregator, log.checkpoint(20))
    #expect("\(unproven)".contains("nothing proves that size 20") && !unproven.isContradiction)
    let paths = [[], log.path(9, 20), other.path(10, 20), log.path(10, 20) + [log.root(1)]]
    for path in paths {
      let refused = try refusal(aggregator, log.checkpoint(20), path: path)
      #expect("\(refused)".hasPrefix("FORK OR WRONG PROOF: size 20") && refused.isContradiction)
    }
    // The other history, with a proof that is right in itself.
    #expect(try refusal(aggregator, other.request(10, 20)).isContradiction)
    let late = try refusal(aggregator, log.request(7, 20))
    #expect("\(late)".contains("the proof is from size 7 of 'a', and size 10 is held"))
    #expect(try aggregator.add(log.request(10, 20)) == .appended(Offset(rawValue: 1)))
    #expect(try records() == [log.checkpoint(10).encoded, log.checkpoint(20).encoded])
    store.close()
  }

  @Test func `the empty log is the first checkpoint of a log or none`() throws {
    let log = try ChildLog("a")
    let aggregator = try aggregator([log])
    #expect(
      try refusal(aggregator, log.checkpoint(0, root: log.root(1))).isContradiction,
      "a tree without leaves has one root")
    #expect(try aggregator.add(log.checkpoint(0)) == .appended(Offset(rawValue: 0)))
    #expect(try aggregator.add(log.checkpoint(0)) == .known(Offset(rawValue: 0)))
    // From nothing on there is nothing to prove, and no proof either.
    #expect(try refusal(aggregator, log.request(1, 2)).isContradiction == false)
    #expect(try aggregator.add(log.checkpoint(5)) == .appended(Offset(rawValue: 1)))
    #expect(try refusal(aggregator, log.checkpoint(0)).isContradiction)
    store.close()
  }

  @Test func `keys come from the caller, and streams of a store are signed by its key`() throws {
    let log = try ChildLog("a")
    let stranger = try ChildLog("a", seed: 9)
    let stream = try ChildLog("a/streams/x%2Fy", keyName: "a")
    let aggregator = try aggregator([log, log])
    #expect(
      "\(try refusal(aggregator, stranger.checkpoint(3)))".contains("no signature of a known"))
    #expect(try aggregator.add(stream.checkpoint(3)) == .appended(Offset(rawValue: 0)))
    for origin in ["b", "a/streams/", "a/stream/x", "b/streams/x", "/streams/x", "a b", "ab"] {
      let other = try ChildLog(origin, keyName: "a")
      let refused = try refusal(aggregator, other.checkpoint(3))
      #expect("\(refused)".hasPrefix("no key of '\(origin)' was given"))
    }
    // The right text under a signature of another text.
    var note = try log.checkpoint(4)
    note.lines = try log.checkpoint(5).lines
    #expect("\(try refusal(aggregator, note))".contains("does not verify"))
    note.lines = []
    #expect("\(try refusal(aggregator, note))".contains("no signature of a known"))
    #expect(aggregator.logCount == 1 && aggregator.newest(of: "a") == nil)
    #expect(aggregator.newest(of: "a/streams/x%2Fy")?.state.size == 3)
    store.close()
  }

  @Test func `two spellings of one checkpoint are not taken`() throws {
    let log = try ChildLog("a")
    let aggregator = try aggregator([log])
    var note = try log.checkpoint(4)
    note.lines.append(note.lines[0])
    #expect("\(try refusal(aggregator, note))".hasPrefix("a has signed it twice"))
    // A line of somebody unknown is kept, once.
    var seen = try log.checkpoint(4)
    let witness = try #require(KeyName("w"))
    seen.lines.append(.init(name: witness, keyID: 7, signature: [1, 2, 3]))
    #expect(try aggregator.add(seen) == .appended(Offset(rawValue: 0)))
    #expect(try records() == [seen.encoded])
    // With other lines it is the same tree.
    #expect(try aggregator.add(log.checkpoint(4)) == .known(Offset(rawValue: 0)))
    seen.lines += (0..<99).map { .init(name: witness, keyID: $0 + 8, signature: [1]) }
    seen.lines[2] = .init(
      name: witness, keyID: 8, signature: [UInt8](repeating: 1, count: 64 << 10))
    #expect("\(try refusal(aggregator, seen))".contains("larger than any is"))
    store.close()
  }

  @Test func `a policy asks for its witnesses, and knows its logs`() throws {
    let log = try ChildLog("a")
    let witness = try NoteSignerKey(
      name: try #require(KeyName("w")), kind: .ed25519Cosignature,
      seed: [UInt8](repeating: 5, count: 32))
    let text = """
      log \(log.key.verifier.text)
      witness w \(witness.verifier.text)
      quorum w

      """
    let aggregator = try aggregator([], policy: WitnessPolicy(Array(text.utf8)))
    var note = try log.checkpoint(4)
    #expect("\(try refusal(aggregator, note))".hasPrefix("too few witnesses"))
    note.lines.append(try Cosignature.line(over: note.text, time: 77, key: witness))
    #expect(try aggregator.add(note) == .appended(Offset(rawValue: 0)))
    store.close()
  }

  @Test func `several aggregators of one stream never take a checkpoint back`() throws {
    let logs = try (0..<4).map { try ChildLog("log-\($0)", count: 60, salt: UInt8($0)) }
    let failures = Guarded<[String]>([])
    let threads = try (0..<4).map { worker in
      try DedicatedThread.start(name: "aggregator \(worker)") {
        do {
          let own = try aggregator(logs)
          let random = SeededRandom(seed: UInt64(worker + 1))
          for _ in 0..<60 {
            let log = logs[random.below(logs.count)]
            let held = own.newest(of: log.origin)?.state.size ?? 0
            let size = UInt64(1 + random.below(60))
            let note = try log.checkpoint(size)
            do throws(AggregationError) {
              _ = try own.add(note) { (from, to) throws(AggregationError) in
                log.path(from, to)
              }
            } catch {
              guard case .rollback(_, let newest, _) = error, newest.state.size > size else {
                failures.withLock { $0.append("\(held) \(size) \(error)") }
                continue
              }
            }
          }
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
    var sizes: [[UInt8]: UInt64] = [:]
    for record in try records() {
      let checkpoint = try Checkpoint(text: SignedNote(record).text)
      #expect(checkpoint.size > sizes[checkpoint.origin] ?? 0)
      sizes[checkpoint.origin] = checkpoint.size
    }
    #expect(sizes.count == 4)
    store.close()
  }

  @Test func `after a power cut at any operation the parent goes on from what it acknowledged`()
    throws
  {
    let log = try ChildLog("a")
    let rig = try CheckpointRig()
    let first = try rig.open()
    let aggregator = try CheckpointAggregator(
      CheckpointRig.stream(first, "logs"), of: first, keys: [log.key.verifier])
    let acknowledged = Guarded<UInt64>(0)
    let images = Guarded<[(SimulatedFileSystem, UInt64)]>([])
    let disk = rig.disk
    disk.observeOperations { operation in
      let image = disk.crashImage(.loseAll)
      images.withLock { images in images.append((image, acknowledged.withLock { $0 })) }
    }
    for size in [1, 2, 7, 30] as [UInt64] {
      _ = try aggregator.add(log.checkpoint(size)) { (from, to) throws(AggregationError) in
        log.path(from, to)
      }
      acknowledged.withLock { $0 = size }
    }
    disk.observeOperations(nil)
    first.close()
    let crashes = images.withLock { $0 }
    #expect(crashes.count >= 8)
    for (image, size) in crashes {
      var crashed = rig
      crashed.disk = image
      let again = try crashed.open()
      let reopened = try CheckpointAggregator(
        CheckpointRig.stream(again, "logs"), of: again, keys: [log.key.verifier])
      let held = reopened.newest(of: "a")?.state.size ?? 0
      #expect(held >= size)
      if held > 1 {
        #expect(throws: AggregationError.self) { try reopened.add(log.checkpoint(held - 1)) }
      }
      _ = try reopened.add(log.checkpoint(40)) { (from, to) throws(AggregationError) in
        log.path(from, to)
      }
      again.close()
    }
    store.close()
  }

  @Test func `a stream that is not one of checkpoints alone is refused, with the record`() throws {
    let log = try ChildLog("a")
    func opening(_ name: String, _ records: [[UInt8]], evidence: EvidenceClass = .tree) throws
      -> AggregationError
    {
      var options = StreamOptions()
      (options.evidence, options.firstSegmentByteCount) = (evidence, 64 << 10)
      options.segmentByteCount = 64 << 10
      let stream = try store.createStream(StreamName(name), options: options)
      for record in records { try stream.append(record) }
      do throws(AggregationError) {
        _ = try CheckpointAggregator(stream, of: store, keys: [log.key.verifier])
      } catch {
        return error
      }
      throw Accepted()
    }
    let good = try log.checkpoint(7).encoded
    #expect("\(try opening("x", [good, [1]]))".hasPrefix("record 1 of stream 'x' is no checkpoint"))
    let crlf = Array(
      String(decoding: good, as: UTF8.self).split(separator: "\n").joined(separator: "\r\n").utf8)
    #expect("\(try opening("r", [crlf]))".hasPrefix("record 0 of stream 'r' is no checkpoint"))
    #expect(
      "\(try opening("y", [good, good]))".hasPrefix("record 1 of stream 'y' is a checkpoint of 'a'")
    )
    #expect("\(try opening("z", [], evidence: .chain))".contains("tree"))
    let long = try store.createStream(
      StreamName("long"),
      options: {
        var options = StreamOptions()
        (options.evidence, options.firstSegmentByteCount) = (.tree, 64 << 10)
        options.segmentByteCount = 64 << 10
        return options
      }())
    for _ in 0..<900 { try long.append([UInt8](repeating: 1, count: 200)) }
    #expect(try long.removeSegments(before: long.logEndOffset).removed > 0)
    #expect("\(try opening("long", []))".contains("what was removed would be forgotten"))
    store.close()
  }
}

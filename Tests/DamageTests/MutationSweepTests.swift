import SimulatedIO
import Testing

@testable import DamageScenarios

/// Random changes of a store with evidence, and what audits say of them.
@Suite struct MutationSweepTests {
  private func sweep() -> MutationSweep {
    var sweep = MutationSweep()
    sweep.seed = 20_260_102
    sweep.byteCount = 24 << 10
    sweep.count = 60
    print("mutating a store with seed \(sweep.seed)")
    return sweep
  }

  @Test func `a sample of changes is found and named, and nothing else is called broken`() throws {
    let outcome = try sweep().run()
    #expect(outcome.tally.failures.isEmpty, "\(outcome.tally.failures)")
    #expect(outcome.tally.passedCount + outcome.sameCount == 60)
    #expect(outcome.tally.counts["covered: bit flipped", default: 0] > 10)
    #expect(outcome.coverageLines.count == outcome.freeByteCounts.count + 1)
  }

  @Test func `a case is repeated alone by its number`() throws {
    var alone = sweep()
    alone.only = 17
    alone.threadCount = 1
    let outcome = try alone.run()
    #expect(outcome.tally.passedCount + outcome.sameCount == 1)
  }

  @Test func `a report that names another bit than the one that was flipped is caught`() throws {
    let store = try EvidenceStore(seed: 3, byteCount: 24 << 10)
    let judge = try MutationJudge(store, seed: 3)
    // The mutation says that it flips the bit beside the one that it does.
    let unit = try #require(judge.coverage.units["SUPER"]?.first)
    var mutation = judge.mutator.mutation(0)
    let bytes = try #require(judge.mutator.contents["SUPER"])
    var other = bytes
    other[unit.bytes.lowerBound] ^= 1
    mutation.flip = (unit.bytes.lowerBound + 1, 0)
    mutation.changes = [.init(file: "SUPER", after: other, range: 0..<bytes.count)]
    guard case .covered(let problem) = try judge.judge(mutation) else {
      Issue.record("the superblock is covered")
      return
    }
    #expect(problem?.contains("the bit is not named") == true)
  }

  @Test func `a number and a seed decide a mutation, and all kinds occur`() throws {
    let store = try EvidenceStore(seed: 4, byteCount: 24 << 10)
    let (one, two) = (try MutationJudge(store, seed: 9), try MutationJudge(store, seed: 9))
    var kinds: Set<Mutation.Kind> = []
    for number in 0..<500 {
      let mutation = one.mutator.mutation(number)
      kinds.insert(mutation.kind)
      #expect(mutation.text == two.mutator.mutation(number).text && !mutation.changes.isEmpty)
    }
    #expect(kinds == Set(Mutation.Kind.allCases))
  }

  @Test func `every byte of a store is covered or free, for a reason`() throws {
    let store = try EvidenceStore(seed: 5, byteCount: 24 << 10)
    let coverage = try Coverage(store.machine)
    for file in coverage.files {
      let count = try store.machine.disk.readFile("\(Machine.path)/\(file)").count
      var ranges = (coverage.units[file] ?? []).map(\.bytes)
      ranges += coverage.free.filter { $0.file == file }.map(\.bytes)
      ranges.sort { $0.lowerBound < $1.lowerBound }
      var end = 0
      for range in ranges {
        #expect(range.lowerBound == end && !range.isEmpty, "\(file) at \(end)")
        end = range.upperBound
      }
      #expect(end == count, "\(file)")
    }
    #expect(coverage.free.allSatisfy { !$0.reason.isEmpty })
    #expect(coverage.coveredByteCount > 24 << 10)
  }

  @Test func `fourteen ways to fail are tried, and each shows`() throws {
    var list = FailureList()
    list.seed = 6
    list.byteCount = 220 << 10
    let tally = try list.run()
    #expect(tally.failures.isEmpty, "\(tally.failures)")
    let numbers = Set(
      tally.counts.keys.compactMap { $0.split(separator: " ").first.map(String.init) })
    #expect(numbers == Set((1...14).map { "\($0)" }))
  }
}

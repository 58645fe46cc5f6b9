import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct SealVerifierTests {
  private static let second: Int64 = 1_000_000_000
  private static let logID = SHA256.digest([1])
  private let first = SealKey(SecretKey(from: { 7 }))
  private let schedule: SealSchedule

  init() throws {
    schedule = try #require(SealSchedule(startSeconds: 0, epochSeconds: 60, graceSeconds: 5))
  }

  private func chain(_ count: UInt64, _ root: UInt8 = 0) -> HashChain {
    HashChain(count: count, head: SHA256.digest([UInt8(count), root]))
  }

  /// A seal at a second, with the key of its epoch or of another.
  private func seal(_ second: Int64, _ count: UInt64, root: UInt8 = 0, epoch: UInt64? = nil)
    -> EpochSeal
  {
    first.advanced(to: epoch ?? UInt64(second / 60))
      .seal(chain(count, root), of: Self.logID, at: second * Self.second)
  }

  private func verifier(holding held: EpochSeal? = nil, from epoch: UInt64 = 0) -> SealVerifier {
    SealVerifier(
      key: first.advanced(to: epoch), logID: Self.logID, schedule: schedule, held: held,
      now: 10_000 * Self.second)
  }

  /// The error that a series of seals ends with.
  private func error(_ seals: [EpochSeal], holding held: EpochSeal? = nil) -> SealError? {
    var verifier = verifier(holding: held)
    do throws(SealError) {
      for seal in seals { try verifier.verify(seal, covering: nil) }
      try verifier.finish()
      return nil
    } catch {
      return error
    }
  }

  private let honest: [(Int64, UInt64)] = [(1, 1), (59, 4), (61, 5), (61, 5), (300, 5), (900, 70)]

  @Test func `seals of an honest writer verify, from the start and from a held seal on`() throws {
    let seals = honest.map { seal($0.0, $0.1) }
    #expect(error(seals) == nil)
    for held in seals { #expect(error(seals, holding: held) == nil) }
    #expect(error([]) == nil)
    // A verifier that was given the key of a later epoch begins there.
    var later = verifier(from: 5)
    #expect(throws: SealError.epochGoesBack(from: 5, to: 1)) {
      try later.verify(seals[2], covering: nil)
    }
    try later.verify(seals[4], covering: nil)
    #expect(later.last == seals[4])
  }

  @Test func `what is not the seal of this log and epoch is named`() throws {
    let seals = honest.map { seal($0.0, $0.1) }
    // Made with another key: by whoever has none.
    let forged = SealKey(SecretKey(from: { 8 }))
      .seal(chain(1), of: Self.logID, at: Self.second)
    #expect(error([forged]) == .forged(epoch: 0))
    let other = first.seal(chain(1), of: SHA256.digest([2]), at: Self.second)
    #expect(error([other]) == .otherLog(expected: Self.logID, found: SHA256.digest([2])))
    #expect(error([seal(20_000, 1)]) == .inTheFuture(epoch: 333))
    // Far in the future it is refused at once, without a digest for every epoch.
    let far = first.seal(chain(1), of: Self.logID, at: .max)
    #expect(
      error([far]) == .epochDoesNotFitTime(epoch: 0, fitting: UInt64(Int64.max / Self.second / 60)))
    #expect(error([seal(-1, 1, epoch: 0)]) == .epochDoesNotFitTime(epoch: 0, fitting: nil))
    #expect(error([seals[2], seals[1]]) == .epochGoesBack(from: 1, to: 0))
    #expect(error([seals[1], seals[0]]) == .timeGoesBack(epoch: 0))
    #expect(error([seal(1, 5), seal(2, 4)]) == .chainGoesBack(from: 5, to: 4))
    #expect(error([seal(1, 5), seal(2, 5, root: 1)]) == .chainGoesBack(from: 5, to: 5))
  }

  @Test func `old data sealed anew with a newer key is noticed`() throws {
    // Whoever takes over in epoch 7 has its key and all later ones. He changes what was appended in epoch
    // 2 and seals it with the time it should have had, or with his own.
    let made = seal(150, 9, root: 1, epoch: 7)
    #expect(error([made]) == .epochDoesNotFitTime(epoch: 7, fitting: 2))
    var verifier = verifier()
    let own = seal(430, 9, root: 1)
    let times = 130 * Self.second...140 * Self.second
    #expect(throws: SealError.dataOutsideEpoch(epoch: 7)) {
      try verifier.verify(own, covering: times)
    }
    // The same data sealed in their own epoch, or in the grace behind it, are in order.
    try verifier.verify(seal(150, 8), covering: times)
    try verifier.verify(
      seal(182, 9), covering: 175 * Self.second...181 * Self.second)
    #expect(throws: SealError.dataOutsideEpoch(epoch: 4)) {
      try verifier.verify(seal(242, 10), covering: 234 * Self.second...241 * Self.second)
    }
    #expect(throws: SealError.dataOutsideEpoch(epoch: 4)) {
      try verifier.verify(seal(242, 10), covering: 241 * Self.second...243 * Self.second)
    }
    try verifier.verify(seal(242, 10), covering: 235 * Self.second...242 * Self.second)
  }

  @Test func `a log that was cut, or cut and continued, does not pass the verifier that saw more`()
    throws
  {
    let seals = honest.map { seal($0.0, $0.1) }
    let held = seals[5]
    for count in 0..<5 {
      let series = Array(seals.prefix(count))
      #expect(
        error(series, holding: held)
          == .seriesTooShort(held: 70, found: series.last?.chain.count))
    }
    // Cut after the second seal and continued with the key that is there now.
    let continued = Array(seals.prefix(2)) + [seal(901, 71), seal(905, 80)]
    #expect(error(continued, holding: held) == .heldSealMissing(held: 70))
    #expect(error(continued) == nil)
    // Continued, but not as far as was seen.
    #expect(
      error(Array(seals.prefix(2)) + [seal(905, 69)], holding: held)
        == .seriesTooShort(held: 70, found: 69))
  }

  @Test func `a refused seal changes nothing for the verifier`() throws {
    var verifier = verifier()
    try verifier.verify(seal(1, 1), covering: nil)
    let bad = [
      SealKey(SecretKey(from: { 8 }), epoch: 5)
        .seal(chain(3), of: Self.logID, at: 310 * Self.second), seal(310, 0),
      seal(2, 0), seal(0, 3), seal(130, 3, epoch: 1), seal(10_001, 3),
      first.seal(chain(3), of: SHA256.digest([9]), at: Self.second),
    ]
    for seal in bad {
      #expect(throws: SealError.self) { try verifier.verify(seal, covering: nil) }
      #expect(verifier.last == self.seal(1, 1))
    }
    try verifier.verify(seal(3, 2), covering: 1...2)
    #expect(verifier.last == seal(3, 2))
  }
}

internal import ByteCoding
internal import LogFormat
internal import Quantities

/// Finds intact frames behind a place that is not intact. All searches are bounded: by the bytes they
/// may look at and by the bytes they may hash.
struct FrameSearch: ~Escapable {
  let reader: FrameReader
  /// Bytes a search may hash beyond the range it looks at.
  static let hashBudget = 64 << 20

  /// Bytes that all searches of a walk may hash in vain: forged heads must not make it take for ever.
  struct HashBudget {
    var frames = 4 << 30
    /// Batches whose head holds and whose body does not: by chance there are none.
    var batches = 4 << 30
  }

  @_lifetime(copy reader)
  init(_ reader: FrameReader) { self.reader = reader }

  /// The first 8 bytes of every commit frame.
  static let commitWord = FrameHead.word(length: UInt32(CommitFrame.byteCount), kind: .commit)

  /// The first intact commit frame at or behind a position.
  func commitFrame(from position: UInt64, to limit: UInt64) -> (frame: CommitFrame, at: UInt64)? {
    var place = position
    let end = min(limit, UInt64(reader.segment.byteCount))
    while let found = word(Self.commitWord, from: place, to: end) {
      guard found + UInt64(CommitFrame.byteCount) <= end else { return nil }
      if let commit = intactCommit(at: found) { return (commit, found) }
      place = found + 8
    }
    return nil
  }

  /// The first place, counted in steps of 8, at which 8 bytes stand.
  private func word(_ word: UInt64, from position: UInt64, to end: UInt64) -> UInt64? {
    let wanted = word.littleEndian
    return place(from: position, to: end, { any($0 .== wanted) }, { $0 == wanted })
  }

  /// The first place, counted in steps of 8, at which 8 bytes are not all zero: no frame begins with such.
  private func nonZero(from position: UInt64, to end: UInt64) -> UInt64? {
    place(from: position, to: end, { any($0 .!= 0) }, { $0 != 0 })
  }

  /// The first place, counted in steps of 8, that holds; most of what is searched is zeros, so blocks of 64
  /// bytes are stepped over together.
  @inline(__always)
  private func place(
    from position: UInt64, to end: UInt64, _ mayHold: (SIMD8<UInt64>) -> Bool,
    _ holds: (UInt64) -> Bool
  ) -> UInt64? {
    let end = min(end, UInt64(reader.segment.byteCount))
    guard position < end else { return nil }
    let bytes = reader.segment.extracting(Int(position)..<Int(end))
    let found = unsafe bytes.withUnsafeBytes { bytes -> Int? in
      var place = 0
      // Safety: both loops look at bytes below the count alone.
      while place + 64 <= bytes.count {
        if mayHold(unsafe bytes.loadUnaligned(fromByteOffset: place, as: SIMD8<UInt64>.self)) {
          break
        }
        place += 64
      }
      while place + 8 <= bytes.count {
        if holds(unsafe bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)) {
          return place
        }
        place += 8
      }
      return nil
    }
    return found.map { position + UInt64($0) }
  }

  private func intactCommit(at position: UInt64) -> CommitFrame? {
    do throws(FormatError) {
      let frame = try reader.frame(at: position, verifying: true)
      return try CommitFrame(frame.bytes, at: position)
    } catch {
      return nil
    }
  }

  /// How far the first commit frame that proves that bytes at `position` were durable proves that: the
  /// damage is rot.
  func conviction(of position: UInt64, to limit: UInt64) -> UInt64? {
    var place = position
    while let found = commitFrame(from: place, to: limit) {
      let proven = found.frame.durablePosition.rawValue
      if proven > position { return proven }
      place = found.at + 8
    }
    return nil
  }

  /// The position of the next intact frame behind `position`, or `limit` when there is none.
  func nextIntact(after position: UInt64, to limit: UInt64) -> UInt64 {
    var budget = HashBudget()
    return nextIntact(after: position, to: limit, budget: &budget)
  }

  /// The same, for a walk with many searches.
  ///
  /// - Parameter budget: Bytes that may be hashed. Once they are used up, commit frames are still found.
  func nextIntact(after position: UInt64, to limit: UInt64, budget total: inout HashBudget)
    -> UInt64
  {
    let allowance = max(0, min(Self.hashBudget, total.frames))
    var budget = HashBudget(frames: allowance, batches: total.batches)
    defer {
      total.frames -= allowance - budget.frames
      total.batches = budget.batches
    }
    let end = min(limit, UInt64(reader.segment.byteCount))
    // Where the damaged frame says it ends, when an intact frame stands there. A damaged length may
    // lead behind other intact frames, so the bytes before that are searched all the same.
    var bound: UInt64?
    if let head = FrameHead(reader.segment, at: Int(position)) {
      let guess = position + UInt64(head.alignedByteCount)
      if head.length >= UInt32(FrameHead.byteCount), guess > position, guess < end,
        isIntact(at: guess, to: end, &budget)
      {
        bound = guess
      }
    }
    var place = position + 8
    let last = bound ?? end
    while let next = nonZero(from: place, to: last) {
      guard next + UInt64(FrameHead.byteCount) <= last else { break }
      if isIntact(at: next, to: end, &budget) { return next }
      place = next + 8
    }
    return bound ?? limit
  }

  private func isIntact(at position: UInt64, to limit: UInt64, _ budget: inout HashBudget)
    -> Bool
  {
    guard let head = FrameHead(reader.segment, at: Int(position)),
      head.kind != nil || head.isSkippable
    else { return false }
    let length = Int(head.length)
    let minimum = head.kind.map(Frame.minimumByteCount) ?? FrameHead.byteCount
    guard length >= minimum, UInt64(length) <= limit - position else { return false }
    // Commit frames are short, and a batch whose head does not hold is not hashed; all others count.
    switch head.kind {
    case .commit: break
    case .batch: guard budget.batches > 0 else { return false }
    default: guard budget.frames >= length else { return false }
    }
    do throws(FormatError) {
      _ = try reader.frame(at: position, verifying: true)
      return true
    } catch {
      switch head.kind {
      case .commit: break
      case .batch: if error != .damaged(.batch, .headCheck) { budget.batches -= length }
      default: budget.frames -= length
      }
      return false
    }
  }
}

extension FrameReader {
  /// Whether what stands at a position is intact, only not to be read by this program or with these
  /// limits: then nothing may be made of it, and nothing behind it is known.
  ///
  /// - Parameter error: What looking at it ended with.
  func refuses(_ error: FormatError, at position: UInt64) -> Bool {
    switch error {
    case .newer: return true
    case .overLimit:
      do throws(FormatError) {
        _ = try frame(at: position, verifying: true)
        return true
      } catch {
        if case .overLimit = error { return true }
        return false
      }
    default: return false
    }
  }
}

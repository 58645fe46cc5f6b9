internal import ByteCoding
internal import SimulatedIO

/// One change of a store's files: which, is decided by a seed and a number alone.
struct Mutation: Sendable {
  /// Ways to change a store.
  enum Kind: String, CaseIterable, Sendable {
    case flip = "bit flipped"
    case byte = "byte changed"
    case burst = "some bytes changed"
    case zeros = "range of zeros"
    case cut = "file cut"
    case frameSwap = "frames swapped"
    case frameCopy = "frame over another"
    case segmentSwap = "files swapped"
    case segmentCopy = "file over another"
    case removal = "file removed"

    /// How often it comes, of 100.
    var weight: Int {
      switch self {
      case .flip: 45
      case .byte: 14
      case .burst: 12
      case .zeros: 10
      case .cut: 4
      case .frameSwap: 6
      case .frameCopy: 5
      case .segmentSwap, .segmentCopy: 1
      case .removal: 2
      }
    }

    static func chosen(_ random: SeededRandom) -> Kind {
      var left = random.below(allCases.reduce(0) { $0 + $1.weight })
      for kind in allCases {
        left -= kind.weight
        if left < 0 { return kind }
      }
      return .flip
    }
  }

  /// What happens to a file; `nil` bytes for one that goes.
  struct Change: Sendable {
    let file: String
    let after: [UInt8]?
    /// Where bytes may differ from those before.
    let range: Range<Int>
  }

  let number: Int
  let kind: Kind
  var changes: [Change]
  /// For ``Kind/flip``: the byte and the bit.
  var flip: (byte: Int, bit: Int)?
  /// In words, for messages.
  var text: String
}

/// Makes mutations of one store.
struct Mutator {
  let coverage: Coverage
  let contents: [String: [UInt8]]
  let seed: UInt64
  /// Covered structures of all files, so that places are chosen by their bytes.
  private let units: [Coverage.Unit]
  private let ends: [Int]
  /// Files that hold something of the store.
  private let used: [String]

  init(_ coverage: Coverage, _ contents: [String: [UInt8]], seed: UInt64) {
    (self.coverage, self.contents, self.seed) = (coverage, contents, seed)
    units = coverage.files.flatMap { coverage.units[$0] ?? [] }
    var total = 0
    ends = units.map {
      total += $0.bytes.count
      return total
    }
    used = coverage.files.filter { coverage.units[$0]?.isEmpty == false }
  }

  /// The mutation of a number.
  func mutation(_ number: Int) -> Mutation {
    let random = SeededRandom(seed: seed &* 1_000_003 &+ UInt64(number))
    let kind = Mutation.Kind.chosen(random)
    var mutation = Mutation(number: number, kind: kind, changes: [], text: "")
    switch kind {
    case .flip, .byte, .burst, .zeros: changeBytes(&mutation, random)
    case .cut: cut(&mutation, random)
    case .frameSwap, .frameCopy: moveFrames(&mutation, random)
    case .segmentSwap, .segmentCopy: moveFiles(&mutation, random)
    case .removal:
      let file = used[random.below(used.count)]
      mutation.changes = [.init(file: file, after: nil, range: 0..<bytes(file).count)]
      mutation.text = file
    }
    return mutation
  }

  /// Bits that structures cover, in all files.
  var bitCount: Int { 8 * (ends.last ?? 0) }

  /// The flip of one of those bits, by its number.
  func flip(_ number: Int) -> (file: String, mutation: Mutation) {
    let (at, bit) = (number / 8, number % 8)
    let (file, position) = covered(at)
    return (
      file,
      Mutation(
        number: number, kind: .flip, changes: [], flip: (position, bit),
        text: "\(file), byte \(position), bit \(bit)")
    )
  }

  /// A byte that a structure covers, by its number among all.
  private func covered(_ at: Int) -> (file: String, position: Int) {
    let index = ends.partitionPoint { $0 <= at }
    return (units[index].file, units[index].bytes.upperBound - (ends[index] - at))
  }

  private func bytes(_ file: String) -> [UInt8] { contents[file] ?? [] }

  /// A byte that a structure covers, seven times of eight; else any that nothing covers.
  private func place(_ random: SeededRandom) -> (file: String, position: Int) {
    if random.oneIn(8), !coverage.free.isEmpty {
      let run = coverage.free[random.below(coverage.free.count)]
      return (run.file, run.bytes.lowerBound + random.below(run.bytes.count))
    }
    return covered(random.below(ends.last ?? 1))
  }

  private func changeBytes(_ mutation: inout Mutation, _ random: SeededRandom) {
    let (file, position) = place(random)
    var after = bytes(file)
    let longest: Int
    switch mutation.kind {
    case .burst: longest = 2 + random.below(62)
    case .zeros: longest = 1 + random.below(random.oneIn(4) ? 16_384 : 700)
    default: longest = 1
    }
    let range = position..<min(after.count, position + longest)
    switch mutation.kind {
    case .flip:
      let bit = random.below(8)
      after[position] ^= 1 << UInt8(bit)
      mutation.flip = (position, bit)
    case .byte: after[position] ^= UInt8(1 + random.below(255))
    case .burst: for index in range { after[index] = UInt8(random.below(256)) }
    default: for index in range { after[index] = 0 }
    }
    mutation.changes = [.init(file: file, after: after, range: range)]
    mutation.text =
      "\(file), \(range.count) bytes at \(position)"
      + (mutation.flip.map { ", bit \($0.bit)" } ?? "")
  }

  private func cut(_ mutation: inout Mutation, _ random: SeededRandom) {
    let (file, position) = place(random)
    let before = bytes(file)
    mutation.changes = [
      .init(file: file, after: Array(before[..<position]), range: position..<before.count)
    ]
    mutation.text = "\(file) to \(position) bytes"
  }

  /// Two structures of one file or of two change places, or one takes the place of the other.
  private func moveFrames(_ mutation: inout Mutation, _ random: SeededRandom) {
    let first = units[random.below(units.count)]
    let others =
      coverage.units[random.oneIn(4) ? units[random.below(units.count)].file : first.file] ?? []
    let second = others[random.below(others.count)]
    let (one, two) = (bytes(first.file), bytes(second.file))
    // As many bytes of both as the shorter has, so that nothing else moves.
    let count = min(first.bytes.count, second.bytes.count)
    let (from, to) = (first.bytes.lowerBound, second.bytes.lowerBound)
    let taken = Array(one[from..<(from + count)])
    let given = Array(two[to..<(to + count)])
    mutation.text = "\(count) bytes, \(first.file) at \(from) and \(second.file) at \(to)"
    var after = two
    after.replaceSubrange(to..<(to + count), with: taken)
    guard mutation.kind == .frameSwap else {
      mutation.changes = [.init(file: second.file, after: after, range: to..<(to + count))]
      return
    }
    if first.file == second.file {
      after.replaceSubrange(from..<(from + count), with: given)
      let range = min(from, to)..<(max(from, to) + count)
      mutation.changes = [.init(file: second.file, after: after, range: range)]
    } else {
      var other = one
      other.replaceSubrange(from..<(from + count), with: given)
      mutation.changes = [
        .init(file: first.file, after: other, range: from..<(from + count)),
        .init(file: second.file, after: after, range: to..<(to + count)),
      ]
    }
  }

  private func moveFiles(_ mutation: inout Mutation, _ random: SeededRandom) {
    let (first, second) = (used[random.below(used.count)], used[random.below(used.count)])
    let (one, two) = (bytes(first), bytes(second))
    let whole = 0..<max(one.count, two.count)
    mutation.changes = [.init(file: second, after: one, range: whole)]
    if mutation.kind == .segmentSwap {
      mutation.changes.append(.init(file: first, after: two, range: whole))
    }
    mutation.text = "\(first) and \(second)"
  }
}

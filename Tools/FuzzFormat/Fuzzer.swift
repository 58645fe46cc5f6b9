import ByteCoding
import LogFormat
import Quantities
import TestSupport

/// The intact bytes everything starts from.
struct Corpus {
  let salt = Samples.salt
  let segments: [(bytes: [UInt8], frames: [Int])]
  let slot = Samples.slot.encoded(salt: Samples.salt, at: 4_096)
  let superblock = Samples.superblock.encoded(at: 0)
  let header = Samples.header.encoded(at: 0)
  let seal: [UInt8]
  let edits = Samples.edits.map { $0.encoded() }

  init() throws(FormatError) {
    var small = SegmentBuilder()
    small.rowSpacing = 256
    try small.solo(Samples.fullRecord, producer: Samples.stamp)
    try small.batch(Samples.variedRecords, producer: Samples.stamp)
    small.state()
    small.index()
    small.commit()
    var columns = SegmentBuilder()
    try columns.columnBatch(Samples.everyColumn)
    try columns.batch((0..<20).map { RecordSpec("plain \($0)") })
    columns.control(step: 5)
    columns.gap(count: 3, length: 60)
    columns.padding(length: 40)
    columns.commit()
    columns.seal()
    segments = [try Samples.segment(), small, columns].map { builder in
      (builder.file(count: Int(builder.position) + 256), builder.frames.map { Int($0.position) })
    }
    seal = Samples.seal.encoded(segmentID: 1, salt: Samples.salt, at: Samples.laterPosition)
  }
}

/// Makes one mutation after another and decodes it.
struct Fuzzer {
  let corpus: Corpus
  var decoder = Decoder()
  private var work: [[UInt8]]

  init() throws(FormatError) {
    corpus = try Corpus()
    work = corpus.segments.map(\.bytes)
  }

  /// The mutation with this number of the sequence with this seed.
  mutating func run(_ number: UInt64, seed: UInt64) {
    var mutator = Mutator(
      random: SeededGenerator(seed: seed ^ (number &* 0xd134_2543_de82_ef95)))
    decoder.begin()
    switch mutator.random.below(10) {
    case 0: slot(&mutator)
    case 1: superblock(&mutator)
    case 2: edit(&mutator)
    case 3: sealOrTrailer(&mutator)
    case 4: header(&mutator)
    default: segment(&mutator)
    }
  }

  private mutating func segment(_ mutator: inout Mutator) {
    let choice = mutator.random.below(corpus.segments.count)
    let original = corpus.segments[choice].bytes
    let frames = corpus.segments[choice].frames
    let start = SegmentLayout.preambleByteCount
    let isForged = mutator.random.below(2) == 0
    if isForged {
      let position = frames[mutator.random.below(frames.count)]
      mutator.forgeFrame(&work[choice], at: position, salt: corpus.salt)
      if mutator.random.below(4) == 0 {
        let other = frames[mutator.random.below(frames.count)]
        mutator.forgeFrame(&work[choice], at: other, salt: corpus.salt)
      }
    } else {
      mutator.scramble(&work[choice], from: start)
    }
    let isCut = mutator.random.below(5) == 0
    let count = isCut ? start + mutator.random.below(original.count - start) : original.count
    let bytes = work[choice]
    let span = bytes.rawSpan.extracting(0..<count)
    if isForged {
      decoder.segment(span, salt: corpus.salt, original: nil)
    } else {
      decoder.segment(span, salt: corpus.salt, original: original.rawSpan)
    }
    work[choice].withUnsafeMutableBytes { target in
      original.withUnsafeBytes { source in
        let rest = UnsafeMutableRawBufferPointer(rebasing: target[start...])
        rest.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start...]))
      }
    }
  }

  private func mutated(
    _ original: [UInt8], _ structure: Forge.Structure, used: Int, _ mutator: inout Mutator
  ) -> [UInt8] {
    var bytes = original
    if mutator.random.below(4) != 0 {
      mutator.forge(&bytes, structure, used: used)
    } else {
      mutator.scramble(&bytes, from: 0)
    }
    if mutator.random.below(8) == 0 { bytes.removeLast(mutator.random.below(bytes.count)) }
    return bytes
  }

  private mutating func slot(_ mutator: inout Mutator) {
    let bytes = mutated(
      corpus.slot, .slot(salt: corpus.salt, position: 4_096), used: 200, &mutator)
    decoder.slot(bytes.rawSpan, salt: corpus.salt, at: 4_096)
  }

  private mutating func superblock(_ mutator: inout Mutator) {
    let bytes = mutated(corpus.superblock, .superblock(position: 0), used: 160, &mutator)
    decoder.superblock(bytes.rawSpan, at: 0)
  }

  private mutating func header(_ mutator: inout Mutator) {
    let bytes = mutated(corpus.header, .header(position: 0), used: 208, &mutator)
    decoder.header(bytes.rawSpan, at: 0)
  }

  private mutating func edit(_ mutator: inout Mutator) {
    let original = corpus.edits[mutator.random.below(corpus.edits.count)]
    var bytes = mutated(original, .plain, used: original.count, &mutator)
    if mutator.random.below(8) == 0 { bytes += mutator.random.bytes(mutator.random.below(300)) }
    decoder.edit(bytes.rawSpan)
  }

  private mutating func sealOrTrailer(_ mutator: inout Mutator) {
    if mutator.random.below(3) == 0 {
      let trailer = Array(corpus.seal.suffix(SealTrailer.byteCount))
      decoder.trailer(mutated(trailer, .trailer, used: 56, &mutator).rawSpan)
    } else {
      // Decoded as a frame whose checksum holds: only the block's own checks are left.
      let bytes = mutated(corpus.seal, .plain, used: 180, &mutator)
      decoder.seal(bytes.rawSpan, at: Samples.laterPosition)
    }
  }
}

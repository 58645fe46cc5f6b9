internal import ByteCoding
internal import CommitLog
internal import Glibc
internal import LogFormat
internal import PlatformIO
internal import Quantities
internal import SimulatedIO

/// One store on a real disk whose program is killed again and again, and all that it may hold.
///
/// The records of each run of the program have counters of their own, so any record says which run
/// wrote it, and its bytes follow from that: what was never appended is recognised.
final class KilledStore {
  /// What the rounds of a store share.
  struct Plan {
    var program: String
    var threadCount: Int
    var durability: Durability
  }

  /// A promise that was found broken.
  struct Broken: Error, CustomStringConvertible {
    let description: String
  }

  let folder: String
  private let plan: Plan
  private let random: SeededRandom
  /// Bytes of each record, by run.
  private var recordByteCounts: [Int] = []
  /// Who wrote the record of each offset that was ever seen.
  private var seen: [Origin] = []
  /// Records that were acknowledged.
  private(set) var acknowledgedCount = 0
  /// Acknowledged records that are not there, or that are others.
  private(set) var missingCount = 0
  /// Records that nobody appended, or that stand where they cannot.
  private(set) var foreignCount = 0
  private var firstProblem: String?

  /// The thread that wrote a record, and its counter.
  private struct Origin: Equatable {
    var thread: UInt64
    var counter: UInt64

    /// The run of the program.
    var run: UInt64 { counter >> Origin.runShift }
    static let runShift: UInt64 = 24
  }

  private static let stream = "kill"
  /// Number of the thread that stands for this program, which appends after recoveries.
  private static let ownThread: UInt64 = 255

  private var path: String { folder + "/store" }

  /// Makes the store, with segments so small that they roll all the time.
  init(_ plan: Plan, folder: String, random: SeededRandom) throws {
    self.plan = plan
    self.folder = folder
    self.random = random
    guard unsafe mkdir(folder, 0o700) == 0 else {
      throw Broken(description: "\(folder) cannot be made: error \(errno)")
    }
    try Store.create(at: path)
    let store = try Store.open(at: path)
    var options = StreamOptions()
    options.durability = plan.durability
    options.firstSegmentByteCount = 64 << 10
    options.segmentByteCount = 128 << 10
    _ = try store.createStream(StreamName(Self.stream), options: options)
    store.close()
  }

  // MARK: Rounds

  /// Starts the program, kills it, and checks what is there.
  func round() throws {
    let isStartUp = random.oneIn(3)
    var runs = try [killRun(afterMicroseconds: random.below(isStartUp ? 20_000 : 150_000))]
    // The next start recovers the store; it is killed as well.
    while random.oneIn(4) { runs.append(try killRun(afterMicroseconds: random.below(12_000))) }
    try checkReading(from: UInt64(seen.count))
    for run in runs { try checkAcknowledgements(ofRun: run) }
    try conclude()
    if !random.oneIn(5) { try checkWriting() }
  }

  /// Reads everything once more, as the last thing done with a store.
  func finish() throws {
    try checkWriting()
    try checkReading(from: 0)
    for run in recordByteCounts.indices { try checkAcknowledgements(ofRun: run, counting: false) }
    try conclude()
  }

  private func killRun(afterMicroseconds microseconds: Int) throws -> Int {
    let run = newRun()
    let child = try ChildProcess(
      plan.program,
      [
        "bench", path, "--threads", "\(plan.threadCount)", "--seconds", "3600", "--size",
        "\(recordByteCounts[run])", "--stream", Self.stream, "--counter",
        "\(run << Int(Origin.runShift))", "--ack", acknowledgements(ofRun: run),
      ], outputTo: output(ofRun: run))
    sleepNanoseconds(UInt64(microseconds) * 1_000)
    let end = child.kill()
    guard end == .signal(SIGKILL) else {
      throw Broken(
        description: "the program ended by itself (\(end)), see \(output(ofRun: run))")
    }
    return run
  }

  private func newRun() -> Int {
    recordByteCounts.append(16 + random.below(random.oneIn(8) ? 4_000 : 200))
    return recordByteCounts.count - 1
  }

  private func acknowledgements(ofRun run: Int) -> String { "\(folder)/acknowledged-\(run)" }

  private func output(ofRun run: Int) -> String { "\(folder)/output-\(run)" }

  // MARK: Checks

  /// Opens the store for reading and compares what is there from an offset on.
  private func checkReading(from first: UInt64) throws {
    let store = try StoreReader.open(at: path)
    var reader = try store.makeReader(of: StreamName(Self.stream), from: .earliest)
    guard reader.logStartOffset.rawValue == 0 else {
      return note("the log starts at offset \(reader.logStartOffset)", missing: 1)
    }
    try check(&reader, from: first)
  }

  /// Opens the store for writing, which recovers it, compares, and appends.
  private func checkWriting() throws {
    let store = try Store.open(at: path)
    let log = try store.stream(StreamName(Self.stream))
    if let damage = log.recovery.damaged.first {
      note("the kill was reported as damage: \(damage)", foreign: 1)
    }
    var reader = try log.makeReader(from: .earliest)
    try check(&reader, from: UInt64(max(0, seen.count - 100)))
    let run = newRun()
    for number in 0..<UInt64(random.below(4)) {
      let origin = Origin(
        thread: Self.ownThread, counter: UInt64(run) << Origin.runShift + number)
      let offset = try log.append(Self.record(origin, byteCount: recordByteCounts[run]))
      guard offset.rawValue == UInt64(seen.count) else {
        note("offset \(offset) was given behind \(seen.count) records", foreign: 1)
        break
      }
      seen.append(origin)
      acknowledgedCount += 1
    }
    try log.flush()
    if random.oneIn(2) { store.close() } else { store.abandon() }
    try conclude()
  }

  private func check(_ reader: inout LogReader, from first: UInt64) throws {
    guard reader.visibleOffset.rawValue >= UInt64(seen.count) else {
      let lost = UInt64(seen.count) - reader.visibleOffset.rawValue
      return note(
        "the log ends at \(reader.visibleOffset), \(seen.count) records had been seen",
        missing: Int(lost))
    }
    try reader.seek(to: .offset(Offset(rawValue: first)))
    var next = first
    var last = lastCounters(before: first)
    while try reader.read({ record in take(record, &next, &last) }) > 0 {}
    if next < UInt64(seen.count) {
      note("reading ended at offset \(next) of \(seen.count)", missing: seen.count - Int(next))
    }
  }

  /// The next counter of each thread, and the newest run, at an offset.
  private struct Counters {
    var run: UInt64 = 0
    var next: [UInt64: UInt64] = [:]

    /// Whether a record may follow: each run begins anew, and no old one comes back.
    mutating func accept(_ origin: Origin) -> Bool {
      guard origin.run >= run else { return false }
      if origin.run > run {
        run = origin.run
        next = [:]
      }
      let expected = next[origin.thread] ?? origin.run << Origin.runShift
      next[origin.thread] = origin.counter + 1
      return origin.counter == expected
    }
  }

  private func lastCounters(before offset: UInt64) -> Counters {
    var counters = Counters()
    guard offset > 0 else { return counters }
    let run = seen[Int(offset) - 1].run
    // A run lies in one piece.
    var index = Int(offset)
    while index > 0, seen[index - 1].run == run { index -= 1 }
    for origin in seen[index..<Int(offset)] { _ = counters.accept(origin) }
    return counters
  }

  private func take(
    _ record: borrowing RecordView, _ next: inout UInt64, _ counters: inout Counters
  ) {
    let offset = record.offset.rawValue
    if offset != next {
      note("offset \(offset) was read where \(next) was next", missing: 1)
      next = offset
    }
    defer { next += 1 }
    guard let origin = origin(of: record.value) else {
      return note("offset \(offset) holds bytes that were never appended", foreign: 1)
    }
    guard counters.accept(origin) else {
      return note(
        "offset \(offset) holds record \(origin.counter) of thread \(origin.thread) out of order",
        foreign: 1)
    }
    if offset < UInt64(seen.count) {
      guard seen[Int(offset)] != origin else { return }
      return note("offset \(offset) holds another record than before", foreign: 1)
    }
    guard offset == UInt64(seen.count) else { return }
    seen.append(origin)
  }

  /// Who wrote a record; `nil` when nobody can have.
  private func origin(of value: RawSpan) -> Origin? {
    guard let thread = value.littleEndianUnsigned64(at: 0),
      let counter = value.littleEndianUnsigned64(at: 8)
    else { return nil }
    let origin = Origin(thread: thread, counter: counter)
    guard thread < UInt64(plan.threadCount) || thread == Self.ownThread,
      origin.run < UInt64(recordByteCounts.count),
      value.byteCount == recordByteCounts[Int(origin.run)]
    else { return nil }
    var words = Words(origin)
    var position = 16
    while position < value.byteCount {
      var word = words.next()
      if let found = value.littleEndianUnsigned64(at: position) {
        guard found == word else { return nil }
      } else {
        for place in position..<value.byteCount {
          guard value.unsigned8(at: place) == UInt8(truncatingIfNeeded: word) else { return nil }
          word >>= 8
        }
      }
      position += 8
    }
    return origin
  }

  /// The bytes of a record, as the documentation of `piperoll bench` says.
  private static func record(_ origin: Origin, byteCount: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(origin.thread)
    bytes.appendLittleEndian(origin.counter)
    var words = Words(origin)
    while bytes.count < byteCount { bytes.appendLittleEndian(words.next()) }
    return Array(bytes.prefix(byteCount))
  }

  /// SplitMix64.
  private struct Words {
    private var state: UInt64
    init(_ origin: Origin) { state = origin.thread << 40 &+ origin.counter }

    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var value = state
      value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
      value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
      return value ^ (value >> 31)
    }
  }

  // MARK: Acknowledgements

  /// Compares each acknowledged record of a run with what was read.
  private func checkAcknowledgements(ofRun run: Int, counting: Bool = true) throws {
    let path = acknowledgements(ofRun: run)
    // The program was killed before it made the file, or these are records of this program.
    guard unsafe access(path, F_OK) == 0 else { return }
    for line in try Self.lines(of: path) {
      let numbers = line.split(separator: UInt8(ascii: "\t")).map { digits in
        digits.reduce(UInt64(0)) { $0 &* 10 &+ UInt64($1 &- UInt8(ascii: "0")) }
      }
      guard numbers.count == 3 else {
        note("a line of \(path) has \(numbers.count) numbers", missing: 1)
        continue
      }
      if counting { acknowledgedCount += 1 }
      let origin = Origin(thread: numbers[1], counter: numbers[2])
      guard numbers[0] < UInt64(seen.count), seen[Int(numbers[0])] == origin else {
        note(
          "record \(origin.counter) of thread \(origin.thread), acknowledged at offset "
            + "\(numbers[0]), is not there", missing: 1)
        continue
      }
    }
  }

  /// The lines of a file; what stands behind the last line feed is none.
  private static func lines(of path: String) throws -> [ArraySlice<UInt8>] {
    let file = try PlainFile(reading: path)
    var text: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      var span = part.mutableSpan
      // Safety: any bytes are valid numbers.
      var bytes = unsafe span.mutableBytes
      let count = try file.read(into: &bytes)
      if count == 0 { break }
      text += part[..<count]
    }
    guard let end = text.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
    return text[..<end].split(separator: UInt8(ascii: "\n"))
  }

  // MARK: Problems

  private func note(_ problem: String, missing: Int = 0, foreign: Int = 0) {
    missingCount += missing
    foreignCount += foreign
    if firstProblem == nil { firstProblem = problem }
  }

  private func conclude() throws {
    if let firstProblem { throw Broken(description: firstProblem) }
  }
}

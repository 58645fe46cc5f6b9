internal import ByteCoding
internal import PlatformIO
internal import Synchronization

/// The memory a store shares with readers in other processes: who writes, how far the streams have
/// come, and who reads.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 8 | magic |
/// | 8 | 8 | writer epoch; 0 while nobody writes |
/// | 16 | 8 | process id of the writer |
/// | 24 | 8 | its start time |
/// | 32 | 8 | number of stream cells in use |
/// | 4,096 | 64 Ki | reader table, see ``ReaderTable`` |
/// | 69,632 | 128 each | stream cells, see ``WatermarkCell`` |
///
/// The writer stores here and never reads its own state back. Everything a reader finds here is a
/// hint that is checked against the files.
final class SharedPage: Sendable {
  private let memory: SharedMemory?
  private let cells = Guarded<[UInt64: WatermarkCell]>([:])
  let readers: ReaderTable?

  static let magic: UInt64 = 0x0a4d_4853_4c52_5089  // 89 "PRLSHM" 0a
  static let readerTablePosition = 4_096
  static let cellPosition = 69_632
  static let cellCountLimit = 8_192
  static let byteCount = cellPosition + cellCountLimit * WatermarkCell.byteCount

  /// Memory of this process alone.
  init() {
    memory = nil
    readers = nil
  }

  /// Shared memory by the store's identity.
  init(storeID: UniqueIdentifier) throws(FileSystemError) {
    let memory = try SharedMemory(
      opening: "piperoll-\(storeID)", byteCount: Self.byteCount,
      reserving: 0..<(Self.cellPosition + 4_096))
    self.memory = memory
    // Safety: inside the mapping, which `memory` keeps alive.
    readers = unsafe ReaderTable(
      memory.region.baseAddress + Self.readerTablePosition, owner: memory)
  }

  /// The page for a writer: while it lives, no reader takes the name of it away.
  static func forWriting(storeID: UniqueIdentifier) -> SharedPage? {
    for _ in 0..<20 {
      guard let page = try? SharedPage(storeID: storeID), let memory = page.memory else {
        return nil
      }
      // A reader that is just removing it holds the lock for a moment.
      if (try? memory.lock()) == true, memory.isNamed { return page }
      sleepNanoseconds(1_000_000)
    }
    return try? SharedPage(storeID: storeID)
  }

  /// Removes the file when nobody writes or reads any more; for a reader that goes.
  func removeIfUnused() {
    guard let memory, liveEpoch == nil, readers?.isEmpty ?? true,
      (try? memory.lock()) == true, memory.isNamed, liveEpoch == nil, readers?.isEmpty ?? true
    else { return }
    try? memory.unlink()
  }

  private func store(_ value: UInt64, at position: Int) {
    guard let memory else { return }
    // Safety: the header page is reserved and mapped while `memory` lives.
    unsafe storeReleasing(value, to: memory.region.baseAddress + position)
  }

  private func load(at position: Int) -> UInt64 {
    guard let memory else { return 0 }
    // Safety: as above.
    return unsafe loadAcquiring(memory.region.baseAddress + position)
  }

  /// States who writes; cells of an earlier writer are void.
  func announce(epoch: UInt64, process: ProcessIdentity) {
    store(0, at: 8)
    store(0, at: 32)
    store(Self.magic, at: 0)
    store(UInt64(UInt32(bitPattern: process.pid)), at: 16)
    store(process.startTime, at: 24)
    store(epoch, at: 8)
  }

  /// States that nobody writes any more. The file goes when nobody reads either.
  func withdraw() {
    store(0, at: 8)
    if let memory, readers?.isEmpty ?? true { try? memory.unlink() }
  }

  /// Epoch of a writer that is alive; `nil` when there is none.
  var liveEpoch: UInt64? {
    guard load(at: 0) == Self.magic, load(at: 8) != 0,
      let pid = Int32(exactly: load(at: 16)),
      ProcessIdentity.isAlive(pid: pid, startTime: load(at: 24))
    else { return nil }
    let epoch = load(at: 8)
    return epoch == 0 ? nil : epoch
  }

  /// The cell of a stream, made when it is first asked for; only the writer calls this.
  func cell(forStream streamID: UInt64, _ values: WatermarkCell.Values) -> WatermarkCell {
    cells.withLock { known in
      if let cell = known[streamID] {
        cell.store(values)
        return cell
      }
      let cell = makeCell(at: known.count, streamID, values)
      known[streamID] = cell
      return cell
    }
  }

  private func makeCell(at index: Int, _ streamID: UInt64, _ values: WatermarkCell.Values)
    -> WatermarkCell
  {
    let position = Self.cellPosition + index * WatermarkCell.byteCount
    guard let memory, index < Self.cellCountLimit,
      (try? memory.reserve(position..<(position + WatermarkCell.byteCount))) != nil
    else {
      let cell = WatermarkCell()
      cell.store(values)
      return cell
    }
    // Safety: inside the mapping, reserved above; `memory` keeps it alive.
    let cell = unsafe WatermarkCell(
      at: memory.region.baseAddress + position, owner: memory)
    // Numbers of an earlier writer may stand there: nobody looks before the count is raised.
    cell.store(streamID: streamID)
    cell.store(values)
    store(UInt64(index + 1), at: 32)
    return cell
  }

  /// The epoch that is announced, whoever lives.
  var announcedEpoch: UInt64 { load(at: 8) }

  /// The cell of a stream as a reader finds it; `nil` when the writer has not opened the stream.
  func findCell(forStream streamID: UInt64) -> WatermarkCell? {
    guard let memory else { return nil }
    let count = min(Int(clamping: load(at: 32)), Self.cellCountLimit)
    for index in 0..<count {
      let position = Self.cellPosition + index * WatermarkCell.byteCount
      // Safety: inside the mapping; the writer reserved it before it raised the count, and the guard
      // answers where that is not so.
      let cell = unsafe WatermarkCell(
        at: memory.region.baseAddress + position, owner: memory)
      if cell.streamID == streamID { return cell }
    }
    return nil
  }
}

/// A slot of a reader table.
struct ReaderLease: Sendable {
  let table: ReaderTable
  fileprivate let slot: Int

  /// Moves the lease forward.
  func advance(to offset: UInt64) { table.advance(slot, to: offset) }

  /// Gives it back.
  func release() { table.release(slot) }
}

/// Who reads which segment, in all processes: 1,024 slots of 64 bytes.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 8 | process id; 0 = free |
/// | 8 | 8 | start time of the process |
/// | 16 | 8 | stream id |
/// | 24 | 8 | oldest offset still needed |
///
/// Slots of dead processes are swept by the writer.
// Safety: the memory lives as long as `owner`; all access is atomic.
@safe final class ReaderTable: @unchecked Sendable {
  private let base: UnsafeMutableRawPointer
  private let owner: AnyObject
  static let slotCount = 1_024
  static let slotByteCount = 64

  init(_ base: UnsafeMutableRawPointer, owner: AnyObject) {
    unsafe self.base = base
    self.owner = owner
  }

  private func address(_ slot: Int, _ position: Int) -> UnsafeMutableRawPointer {
    unsafe base + slot * Self.slotByteCount + position
  }

  /// Takes a slot; `nil` when all are taken.
  func take(streamID: UInt64, offset: UInt64) -> ReaderLease? {
    let me = ProcessIdentity.current
    for slot in 0..<Self.slotCount {
      let claimed = unsafe address(slot, 0).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
        .compareExchange(
          expected: 0, desired: UInt64(UInt32(bitPattern: me.pid)),
          ordering: .sequentiallyConsistent)
      guard claimed.exchanged else { continue }
      unsafe storeReleasing(me.startTime, to: address(slot, 8))
      unsafe storeReleasing(offset, to: address(slot, 24))
      unsafe storeReleasing(streamID, to: address(slot, 16))
      return ReaderLease(table: self, slot: slot)
    }
    return nil
  }

  fileprivate func advance(_ slot: Int, to offset: UInt64) {
    unsafe storeReleasing(offset, to: address(slot, 24))
  }

  /// Gives a slot back.
  fileprivate func release(_ slot: Int) {
    // With the start time of an earlier owner the next one would be taken for dead.
    unsafe storeReleasing(0, to: address(slot, 8))
    unsafe storeReleasing(0, to: address(slot, 16))
    unsafe storeReleasing(0, to: address(slot, 0))
  }

  /// Whether no process that lives has taken a slot.
  var isEmpty: Bool { (0..<Self.slotCount).allSatisfy { !isTaken($0) } }

  private func isTaken(_ slot: Int) -> Bool {
    let pid = unsafe loadAcquiring(address(slot, 0))
    guard pid != 0, let number = Int32(exactly: pid) else { return false }
    let startTime = unsafe loadAcquiring(address(slot, 8))
    return startTime == 0 || ProcessIdentity.isAlive(pid: number, startTime: startTime)
  }

  /// Offsets that live readers of a stream still need; slots of dead ones are freed.
  func offsets(ofStream streamID: UInt64) -> [UInt64] {
    var result: [UInt64] = []
    for slot in 0..<Self.slotCount {
      let pid = unsafe loadAcquiring(address(slot, 0))
      guard pid != 0 else { continue }
      let startTime = unsafe loadAcquiring(address(slot, 8))
      guard let number = Int32(exactly: pid),
        startTime == 0 || ProcessIdentity.isAlive(pid: number, startTime: startTime)
      else {
        release(slot)
        continue
      }
      if unsafe loadAcquiring(address(slot, 16)) == streamID {
        result.append(unsafe loadAcquiring(address(slot, 24)))
      }
    }
    return result
  }
}

internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// The four pages in front of a segment's frames.
struct SegmentPreamble {
  /// Copies of the header that are intact.
  private(set) var placedHeaders: [(position: UInt64, header: SegmentHeader)] = []
  /// Slots that are intact.
  private(set) var slots: [(position: UInt64, slot: RecoverySlot)] = []
  /// Structures that are not, with the bit that mends them where there is one.
  private(set) var damage: [Damage] = []
  /// Whether a structure is of a newer version.
  private(set) var newer: (position: UInt64, cause: FormatError)?
  /// Whether what is damaged was read twice alike: no writer is at it.
  private var isSettled = false
  /// Pages behind slots that hold something.
  private(set) var strayPositions: [UInt64] = []

  struct Damage {
    var position: UInt64
    var byteCount: Int
    var flip: BitSearch.Flip?
    var cause: FormatError
    var isHeader: Bool

    /// What is said of a slot that does not hold, where no single bit is the reason.
    var slotText: String {
      "this recovery slot does not hold: \(cause); a power cut while it is written can leave it so, and "
        + "no record depends on it"
    }

    /// Whether nothing was written there.
    var isEmpty: Bool { cause == .damaged(.segmentHeader, .empty) }
  }

  /// The same without their places.
  var headers: [SegmentHeader] { placedHeaders.map(\.header) }

  /// The newest slot that says what was synced.
  var newestSlot: RecoverySlot? {
    slots.map(\.slot).filter { !$0.flags.contains(.unsynced) }.max { $0.sequence < $1.sequence }
  }

  /// Slots are written in turn, so when one is not the first, both were. Before that a slot may show the
  /// former life of a file that is used again.
  private var wroteBothSlots: Bool { slots.contains { $0.slot.sequence > 1 } }

  /// Damage that is to be told: not that of slots which may never have been written, or are being written.
  var toldDamage: [Damage] {
    damage.filter { $0.isHeader || $0.flip != nil || isSettled && wroteBothSlots }
  }

  /// Whether something of the segment was synced, and the preamble with it.
  var isSynced: Bool { newestSlot != nil || ownEnd != nil }

  /// The newest slot of all.
  private var newest: RecoverySlot? { slots.map(\.slot).max { $0.sequence < $1.sequence } }

  /// Where the segment ends by its own account: it was closed or sealed.
  var ownEnd: RecoverySlot? {
    newest.flatMap { $0.flags.isDisjoint(with: [.clean, .sealed]) ? nil : $0 }
  }

  /// Reads the preamble of a file.
  ///
  /// - Parameter salt: The segment's, where it is known otherwise than by its header.
  init(_ file: AuditedFile, salt known: UInt64?, _ search: inout BitSearch) throws(FileSystemError)
  {
    var bytes = try file.bytes(SegmentLayout.preambleByteCount, at: 0)
    // What looks wrong may have been written at that moment.
    for _ in 0..<2 {
      read(bytes, salt: known, &search)
      if damage.isEmpty { return }
      let again = try file.bytes(SegmentLayout.preambleByteCount, at: 0)
      if again == bytes {
        isSettled = true
        return
      }
      bytes = again
      self = SegmentPreamble()
    }
    read(bytes, salt: known, &search)
  }

  private init() {}

  private mutating func read(_ bytes: [UInt8], salt known: UInt64?, _ search: inout BitSearch) {
    for position in SegmentLayout.headerPositions { readHeader(bytes, at: position, &search) }
    guard let salt = known ?? headers.first?.salt else { return }
    for position in SegmentLayout.slotPositions { readSlot(bytes, salt, at: position, &search) }
    guard wroteBothSlots, damage.allSatisfy(\.isHeader), let only = slots.first, slots.count == 1,
      let other = SegmentLayout.slotPositions.first(where: { $0 != only.position })
    else { return }
    damage.append(
      Damage(
        position: other, byteCount: RecoverySlot.byteCount, flip: nil,
        cause: .damaged(.recoverySlot, .empty), isHeader: false))
  }

  private static func part(_ bytes: [UInt8], _ position: UInt64, _ count: Int) -> [UInt8] {
    let start = min(bytes.count, Int(position))
    return Array(bytes[start..<min(bytes.count, start + count)])
  }

  private mutating func readHeader(
    _ bytes: [UInt8], at position: UInt64, _ search: inout BitSearch
  ) {
    var page = Self.part(bytes, position, SegmentHeader.byteCount)
    do throws(FormatError) {
      placedHeaders.append((position, try SegmentHeader(page.rawSpan, at: position)))
    } catch {
      if case .newer = error {
        newer = (position, error)
        return
      }
      let flip = page.rawSpan.isAllZero ? nil : search.searchHeader(&page, at: position)
      damage.append(
        Damage(
          position: position, byteCount: SegmentHeader.byteCount, flip: flip, cause: error,
          isHeader: true))
      if flip != nil, let header = try? SegmentHeader(page.rawSpan, at: position) {
        placedHeaders.append((position, header))
      }
    }
  }

  private mutating func readSlot(
    _ bytes: [UInt8], _ salt: UInt64, at position: UInt64, _ search: inout BitSearch
  ) {
    var sector = Self.part(bytes, position, RecoverySlot.byteCount)
    let rest = Self.part(
      bytes, position + UInt64(RecoverySlot.byteCount),
      SegmentLayout.pageByteCount - RecoverySlot.byteCount)
    if !rest.rawSpan.isAllZero { strayPositions.append(position + UInt64(RecoverySlot.byteCount)) }
    do throws(FormatError) {
      slots.append((position, try RecoverySlot(sector.rawSpan, salt: salt, at: position)))
    } catch {
      guard error != .damaged(.recoverySlot, .empty) else { return }
      let flip = search.search(&sector, in: sector.indices, cost: sector.count) {
        (try? RecoverySlot($0.rawSpan, salt: salt, at: position)) != nil
      }
      damage.append(
        Damage(
          position: position, byteCount: RecoverySlot.byteCount, flip: flip, cause: error,
          isHeader: false))
      if flip != nil, let slot = try? RecoverySlot(sector.rawSpan, salt: salt, at: position) {
        slots.append((position, slot))
      }
    }
  }
}

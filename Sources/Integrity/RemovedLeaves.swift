internal import ByteCoding
public import Cryptography

/// What statements keep of the leaves of a stream's tree whose records are gone.
public struct RemovedLeaves: Sendable {
  private struct Statement: Sendable {
    let removal: RecordRemoval
    /// By block: where its hashes begin.
    let places: [Int]
  }

  /// By first offset.
  private var statements: [Statement] = []

  /// Nothing was removed.
  public init() {}

  /// Takes a statement about a stream with a tree; others are left out.
  public mutating func add(_ removal: RecordRemoval) {
    guard removal.coverage == .tree else { return }
    var places: [Int] = []
    var place = 0
    for (index, hasLeaves) in removal.hasLeaves.enumerated() {
      places.append(place)
      let block = removal.firstOffset / RecordRemoval.blockLeafCount + UInt64(index)
      place += hasLeaves ? removal.offsets(ofBlock: block).count : 1
    }
    let index = statements.partitionPoint { $0.removal.firstOffset <= removal.firstOffset }
    statements.insert(Statement(removal: removal, places: places), at: index)
  }

  /// Offset up to which, from 0 on, all is gone by these statements.
  public var nextOffset: UInt64 {
    var next: UInt64 = 0
    for statement in statements where statement.removal.firstOffset <= next {
      next = max(next, statement.removal.nextOffset)
    }
    return next
  }

  /// The root over a block that was removed as a whole; `nil` when its leaves were kept, or nothing.
  ///
  /// - Parameter block: Its number: the first of its offsets divided by 256.
  public func node(ofBlock block: UInt64) -> Digest? {
    guard let (statement, index) = statement(with: block * RecordRemoval.blockLeafCount),
      !statement.removal.hasLeaves[index]
    else { return nil }
    return known(statement.removal.hashes[statement.places[index]])
  }

  /// The leaf of an offset; `nil` when it was not kept.
  public func leaf(at offset: UInt64) -> Digest? {
    guard let (statement, index) = statement(with: offset), statement.removal.hasLeaves[index]
    else { return nil }
    let block = offset / RecordRemoval.blockLeafCount
    let first = statement.removal.offsets(ofBlock: block).lowerBound
    return known(statement.removal.hashes[statement.places[index] + Int(offset - first)])
  }

  private func known(_ hash: Digest) -> Digest? { hash == Digest() ? nil : hash }

  private func statement(with offset: UInt64) -> (Statement, blockIndex: Int)? {
    // The last that begins at or before it.
    let end = statements.partitionPoint { $0.removal.firstOffset <= offset }
    guard end > 0 else { return nil }
    let statement = statements[end - 1]
    guard offset < statement.removal.nextOffset else { return nil }
    let first = statement.removal.firstOffset / RecordRemoval.blockLeafCount
    return (statement, Int(offset / RecordRemoval.blockLeafCount - first))
  }
}

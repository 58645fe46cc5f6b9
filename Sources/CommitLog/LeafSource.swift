internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogEvidence
internal import LogFormat
internal import Quantities

/// Leaves made again from the records of a stream.
enum LeafSource {
  /// What the leaf of an offset is the hash of; `nil` when it is not visible yet.
  static func leaf(_ source: any ReadSource, _ offset: Offset) throws(EvidenceError) -> RecordLeaf?
  {
    do throws(ReadError) {
      let data = try leavesAndData(source, from: offset.rawValue, to: offset.rawValue + 1).data
      return RecordLeaf(data.rawSpan)
    } catch {
      throw .read(error)
    }
  }

  /// The leaves of a range of offsets, as far as they are visible, and their data one behind the other.
  ///
  /// - Parameters:
  ///   - source: The stream.
  ///   - first: The first offset.
  ///   - end: The offset behind the last.
  ///   - redacted: Leaves of records that were taken out, by offset.
  static func leavesAndData(
    _ source: any ReadSource, from first: UInt64, to end: UInt64,
    redacted: [UInt64: RecordLeaf] = [:]
  ) throws(ReadError) -> (leaves: [Digest], data: [UInt8]) {
    guard first < end else { return ([], []) }
    var options = ReaderOptions()
    options.takesLease = false
    var reader = try LogReader(source, from: .offset(Offset(rawValue: first)), options)
    var piece = LeafPiece(keepsData: true)
    piece.nextOffset = first
    while piece.nextOffset < end {
      let before = piece.nextOffset
      try reader.addNext(to: &piece, max: Int(clamping: end - before), before: end)
      if piece.nextOffset == before { break }
    }
    var leaves = piece.finish().leaves
    var data = piece.data
    if redacted.isEmpty { return (leaves, data) }
    for place in leaves.indices {
      guard let leaf = redacted[first + UInt64(place)] else { continue }
      leaves[place] = MerkleTree.leafHash(leaf.encoded)
      let start = place * RecordLeaf.byteCount
      data.replaceSubrange(start..<(start + RecordLeaf.byteCount), with: leaf.encoded)
    }
    return (leaves, data)
  }
}

extension LogReader {
  /// Adds the next records as leaves, and one for each offset between them that has none: it was given up,
  /// or is lost by damage.
  ///
  /// - Parameters:
  ///   - piece: Where they are added; its next offset is the reader's.
  ///   - count: Records to read at most.
  ///   - end: Offset to stop before.
  /// - Throws: ``ReadError`` that is no damage: the stream cannot be read.
  mutating func addNext(to piece: inout LeafPiece, max count: Int, before end: UInt64 = .max)
    throws(ReadError)
  {
    do throws(ReadError) {
      _ = try read(max: count) { view in
        guard view.offset.rawValue < end else { return }
        piece.addEmpty(upTo: view.offset.rawValue, .gap)
        piece.add(view)
      }
      // Offsets behind the last record that were given up.
      piece.addEmpty(upTo: min(end, nextOffset.rawValue), .gap)
    } catch {
      guard case .damaged(let damage) = error else { throw error }
      piece.addEmpty(upTo: min(end, damage.firstOffset.rawValue), .gap)
      piece.addEmpty(upTo: min(end, damage.nextOffset.rawValue), .lost)
    }
  }
}

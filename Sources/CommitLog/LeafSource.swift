internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogEvidence
internal import LogFormat
internal import Quantities

/// Leaves made again from the records of a stream.
enum LeafSource {
  /// The leaves of a range of offsets, as far as they are visible.
  ///
  /// - Parameters:
  ///   - source: The stream.
  ///   - first: The first offset.
  ///   - end: The offset behind the last.
  ///   - redacted: Leaves of records that were taken out, by offset.
  static func leaves(
    _ source: any ReadSource, from first: UInt64, to end: UInt64,
    redacted: [UInt64: RecordLeaf]
  ) throws(ReadError) -> [Digest] {
    let leaves = try leavesAndData(source, from: first, to: end, keepsData: false).leaves
    guard !redacted.isEmpty else { return leaves }
    return leaves.enumerated().map { place, leaf in
      redacted[first + UInt64(place)].map { MerkleTree.leafHash($0.encoded) } ?? leaf
    }
  }

  /// What the leaves of a range of offsets are hashes of, as far as they are visible.
  static func data(_ source: any ReadSource, _ offsets: Range<Offset>) throws(EvidenceError)
    -> [RecordLeaf]
  {
    let read: (leaves: [Digest], data: [UInt8])
    do throws(ReadError) {
      read = try leavesAndData(
        source, from: offsets.lowerBound.rawValue, to: offsets.upperBound.rawValue)
    } catch {
      throw .read(error)
    }
    let data = read.data
    return stride(from: 0, to: data.count, by: RecordLeaf.byteCount).compactMap { start in
      RecordLeaf(data.rawSpan.extracting(start..<(start + RecordLeaf.byteCount)))
    }
  }

  /// The leaves of a range of offsets, as far as they are visible, and their data one behind the other.
  static func leavesAndData(
    _ source: any ReadSource, from first: UInt64, to end: UInt64, keepsData: Bool = true
  ) throws(ReadError) -> (leaves: [Digest], data: [UInt8]) {
    guard first < end else { return ([], []) }
    var options = ReaderOptions()
    options.takesLease = false
    var reader = try LogReader(source, from: .offset(Offset(rawValue: first)), options)
    var piece = LeafPiece(keepsData: keepsData)
    piece.nextOffset = first
    while piece.nextOffset < end {
      let before = piece.nextOffset
      try reader.addNext(to: &piece, max: Int(clamping: end - before), before: end)
      if piece.nextOffset == before { break }
    }
    let leaves = piece.finish().leaves
    return (leaves, piece.data)
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

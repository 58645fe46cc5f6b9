internal import ByteCoding
internal import LogFormat
internal import PlatformIO

/// The superblock of a store, read from its two copies.
struct SuperBlockAudit {
  private(set) var superblock: SuperBlock?
  private(set) var findings: [Finding] = []
  /// Whether it is of a newer version, so that nothing may be made of the store.
  private(set) var isNewer = false

  static let fileName = "SUPER"

  init(_ folder: AuditedFolder, _ search: inout BitSearch) throws(FileSystemError) {
    // A copy may be in the middle of being replaced.
    var last: [UInt8]?
    for _ in 0..<3 {
      self = SuperBlockAudit()
      let bytes: [UInt8]
      do throws(FileSystemError) {
        bytes = try folder.open(Self.fileName).bytes(SuperBlock.fileByteCount, at: 0)
      } catch {
        guard error.isAboutTheFile else { throw error }
        findings = [
          .at(
            Finding.Place(file: Self.fileName),
            error.reason == .notFound ? .missingFile : .foreignFile,
            "the store's root cannot be read: \(error.reason.explanation)")
        ]
        return
      }
      read(bytes, &search)
      if findings.isEmpty || bytes == last { return }
      last = bytes
    }
  }

  private init() {}

  private mutating func read(_ bytes: [UInt8], _ search: inout BitSearch) {
    var copies: [Result<SuperBlock, FormatError>] = []
    for position in SuperBlock.positions {
      let start = min(bytes.count, Int(position))
      var sector = Array(bytes[start..<min(bytes.count, start + SuperBlock.byteCount)])
      let copy = Self.copy(sector, position)
      guard case .failure(let error) = copy else {
        copies.append(copy)
        continue
      }
      if case .newer = error {
        isNewer = true
        findings.append(
          .at(Finding.Place(file: Self.fileName, position: position), .newer, "\(error)"))
        copies.append(copy)
        continue
      }
      let flip = search.search(&sector, in: sector.indices, cost: sector.count) {
        if case .success = Self.copy($0, position) { true } else { false }
      }
      let place = Finding.Place(
        file: Self.fileName, position: position + UInt64(flip?.byte ?? 0),
        byteCount: flip == nil ? UInt64(SuperBlock.byteCount) : 1, bit: flip?.bit)
      findings.append(
        .at(
          place, .damagedBytes, .broken, flip == nil ? .unknown : .rot,
          flip == nil
            ? "this copy of the store's root does not hold: \(error)"
            : "the bit was flipped since it was written; with it changed back this copy of the "
              + "store's root holds"))
      copies.append(flip == nil ? copy : Self.copy(sector, position))
    }
    do throws(FormatError) { superblock = try SuperBlock.newest(copies[0], copies[1]) } catch {
      if case .damaged(_, .identity) = error {
        findings.append(
          .at(
            Finding.Place(file: Self.fileName), .contradiction,
            "the two copies of the store's root contradict each other"))
      }
    }
  }

  private static func copy(_ sector: [UInt8], _ position: UInt64)
    -> Result<SuperBlock, FormatError>
  {
    do throws(FormatError) {
      return .success(try SuperBlock(sector.rawSpan, at: position))
    } catch {
      return .failure(error)
    }
  }
}

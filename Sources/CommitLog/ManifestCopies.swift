internal import ByteCoding
public import LogFormat
internal import PlatformIO
public import Quantities

/// The two files of a manifest segment that is written: `meta/S.seg` and its mirror `meta/S.mir`, byte
/// for byte alike. Nothing counts as durable before both are.
struct ManifestFiles: Sendable {
  let main: SegmentFile
  let mirror: SegmentFile

  /// Opens both files for writing.
  init(
    opening id: UInt64, salt: UInt64, in directory: StoreDirectory, byteCountLimit: UInt64
  ) throws(FileSystemError) {
    main = try ManifestCopies.open(
      StoreDirectory.segmentName(id), id, salt, directory, .writing, byteCountLimit)
    mirror = try ManifestCopies.open(
      StoreDirectory.mirrorName(id), id, salt, directory, .writing, byteCountLimit)
  }

  /// Room for frames, in both.
  var byteCount: UInt64 { min(main.byteCount, mirror.byteCount) }

  /// Writes the same bytes to both; with `durably` they survive power loss when this returns, and
  /// nothing else does.
  func write(_ bytes: [UInt8], at position: UInt64, durably: Bool = false)
    throws(FileSystemError)
  {
    for file in [main, mirror] {
      try file.fileSystem.write(file.handle, bytes: bytes, at: position, durably: durably)
    }
  }

  /// Makes everything written durable, in both.
  func synchronize() throws(FileSystemError) {
    try main.synchronize()
    try mirror.synchronize()
  }
}

/// The two files of a manifest segment as they are found; either may be missing or damaged.
struct ManifestCopies: Sendable {
  /// `nil` where the file is missing or cannot be a segment.
  var main: SegmentFile?
  var mirror: SegmentFile?
  let path: String

  /// Opens what is there.
  ///
  /// - Throws: The error of the main file when neither can be used; of either when it could not be
  ///   looked at, which is not damage.
  init(
    opening id: UInt64, salt: UInt64, in directory: StoreDirectory, byteCountLimit: UInt64
  ) throws(FileSystemError) {
    path = directory.segmentPath(streamID: 0, segmentID: id)
    var first: FileSystemError?
    do throws(FileSystemError) {
      main = try Self.open(
        StoreDirectory.segmentName(id), id, salt, directory, .reading, byteCountLimit)
    } catch {
      guard error.meansDamage else { throw error }
      first = error
    }
    do throws(FileSystemError) {
      mirror = try Self.open(
        StoreDirectory.mirrorName(id), id, salt, directory, .reading, byteCountLimit)
    } catch {
      guard error.meansDamage else { throw error }
      if let first { throw first }
    }
  }

  static func open(
    _ name: String, _ id: UInt64, _ salt: UInt64, _ directory: StoreDirectory,
    _ access: SegmentFile.Access, _ byteCountLimit: UInt64
  ) throws(FileSystemError) -> SegmentFile {
    try SegmentFile(
      opening: name, in: directory.manifest,
      path: "\(directory.path)/\(StoreDirectory.manifestName)/\(name)",
      fileSystem: directory.fileSystem, streamID: 0, segmentID: id, salt: salt, access: access,
      byteCountLimit: byteCountLimit)
  }

  private var files: [SegmentFile] { [main, mirror].compactMap { $0 } }

  /// The newest intact slot of both.
  var newestSlot: RecoverySlot? {
    files.compactMap { $0.newestSlot()?.slot }.max { $0.sequence < $1.sequence }
  }

  /// An intact header that belongs to this segment.
  func header() throws(FormatError) -> SegmentHeader? {
    for file in files {
      do throws(FormatError) {
        let header = try file.header()
        if header.segmentID == file.segmentID, header.salt == file.salt, header.streamID == 0 {
          return header
        }
      } catch {
        if case .newer = error { throw error }
      }
    }
    return nil
  }

  /// Whether both are there and hold the same bytes, preamble and frames up to `end`.
  func agree(upTo end: UInt64) -> Bool {
    guard let main, let mirror, main.byteCount >= end, mirror.byteCount >= end else { return false }
    guard Self.hasBothHeaders(main), Self.hasBothHeaders(mirror) else { return false }
    let start = SegmentLayout.preambleByteCount
    return main.bytes.extracting(start..<Int(end))
      .isEqual(to: mirror.bytes.extracting(start..<Int(end)))
  }

  /// Whether the header and its copy are intact.
  static func hasBothHeaders(_ file: SegmentFile) -> Bool {
    SegmentLayout.headerPositions.allSatisfy { place in
      let page = file.bytes.extracting(Int(place)..<(Int(place) + SegmentHeader.byteCount))
      guard let header = try? SegmentHeader(page, at: place) else { return false }
      return header.segmentID == file.segmentID && header.salt == file.salt
    }
  }

  /// One image of the segment: the frames of the main file, and where one is not intact, the mirror's.
  ///
  /// - Parameter repairs: Positions at which the mirror was needed.
  func merged(_ limits: FormatLimits, repairs: inout [(at: UInt64, cause: FormatError)])
    -> [UInt8]
  {
    guard let other = mirror ?? main, let salt = files.first?.salt else { return [] }
    let base = main ?? other
    var image = base.bytes.copyBytes()
    let missing = Int(other.byteCount) - image.count
    if missing > 0 { image += Array(repeating: 0, count: missing) }
    let reader = FrameReader(other.bytes, salt: salt, limits: limits)
    var position = UInt64(SegmentLayout.preambleByteCount)
    while true {
      let (found, cause) = Self.end(of: image, at: position, salt, limits)
      if let found {
        position = found
        continue
      }
      do throws(FormatError) {
        let frame = try reader.frame(at: position, verifying: true)
        image.replaceSubrange(
          Int(position)..<(Int(position) + frame.bytes.byteCount), with: frame.bytes.copyBytes())
        repairs.append((position, cause))
        position = frame.end
      } catch {
        return image
      }
    }
  }

  private static func end(
    of image: [UInt8], at position: UInt64, _ salt: UInt64, _ limits: FormatLimits
  ) -> (end: UInt64?, cause: FormatError) {
    let reader = FrameReader(image.rawSpan, salt: salt, limits: limits)
    do throws(FormatError) {
      return (try reader.frame(at: position, verifying: true).end, .damaged(.frame, .empty))
    } catch {
      return (nil, error)
    }
  }

  /// Whether an intact frame of the mirror stands at a position.
  func mirrorGoesOn(at position: UInt64, _ limits: FormatLimits) -> Bool {
    guard let mirror else { return false }
    let reader = FrameReader(mirror.bytes, salt: mirror.salt, limits: limits)
    do throws(FormatError) {
      _ = try reader.frame(at: position, verifying: true)
      return true
    } catch {
      return false
    }
  }
}

extension RawSpan {
  /// Whether two spans hold the same bytes.
  fileprivate func isEqual(to other: RawSpan) -> Bool {
    guard byteCount == other.byteCount else { return false }
    var place = 0
    while place + 8 <= byteCount {
      if littleEndianUnsigned64(at: place) != other.littleEndianUnsigned64(at: place) {
        return false
      }
      place += 8
    }
    while place < byteCount {
      if unsigned8(at: place) != other.unsigned8(at: place) { return false }
      place += 1
    }
    return true
  }
}

extension FileSystemError {
  /// Whether the file itself is at fault, and not the attempt to look at it.
  var meansDamage: Bool {
    switch reason {
    case .notFound, .notARegularFile, .unexpectedEnd, .unsupported: true
    default: false
    }
  }
}

/// A part of a store's root (superblock, manifest) that was not intact and was taken from its copy.
///
/// After a power cut this may be the write that was cut. Opening for writing mends it.
public struct StoreRepair: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file.
  public let path: String
  /// Where in the file.
  public let position: FilePosition
  /// What is wrong there.
  public let cause: FormatError

  /// A sentence for people.
  public var description: String {
    "'\(escapedForTerminal(path))', position \(position): \(cause); its copy was used"
  }
}

internal import ByteCoding
internal import LogFormat
internal import PlatformIO

/// What superblock and manifest say of a store.
struct StoreRoot {
  var storeID: UniqueIdentifier?
  var map = StoreMap()
  var findings: [Finding] = []
  var byteCount: UInt64 = 0
  /// Whether the manifest was read from its beginning.
  var isKnown = false

  /// Reads the root of a store; what looks wrong is read again, because a writer may be at work.
  static func read(_ folder: AuditedFolder, _ search: inout BitSearch) throws(FileSystemError)
    -> StoreRoot
  {
    var root = StoreRoot()
    for _ in 0..<3 {
      root = try once(folder, &search)
      if root.findings.isEmpty { break }
    }
    return root
  }

  private static func once(_ folder: AuditedFolder, _ search: inout BitSearch)
    throws(FileSystemError) -> StoreRoot
  {
    var root = StoreRoot()
    let super0 = try SuperBlockAudit(folder, &search)
    root.findings = super0.findings
    if super0.isNewer { return root }
    guard let superblock = super0.superblock else {
      try root.rebuild(folder, &search)
      return root
    }
    root.storeID = superblock.storeID
    try root.take(
      ManifestAudit(
        folder, segmentID: superblock.manifestSegmentID, salt: superblock.manifestSalt, &search))
    return root
  }

  private mutating func take(_ manifest: ManifestAudit) {
    findings += manifest.findings
    map = manifest.map
    byteCount = manifest.byteCount
    isKnown = manifest.map.isWhole
    if !isKnown, manifest.findings.isEmpty {
      findings.append(
        .at(
          Finding.Place(file: AuditedFolder.manifestFolder), .contradiction,
          "the manifest has no whole snapshot"))
    }
  }

  /// Finds the newest whole manifest without a superblock.
  private mutating func rebuild(_ folder: AuditedFolder, _ search: inout BitSearch)
    throws(FileSystemError)
  {
    var ids: Set<UInt64> = []
    do throws(FileSystemError) {
      for entry in try folder.entries(AuditedFolder.manifestFolder)
      where entry.kind == .regular && entry.name.utf8.count == 20 {
        if let id = Hexadecimal.number(entry.name.dropLast(4), count: 16) { ids.insert(id) }
      }
    } catch {
      guard error.isAboutTheFile else { throw error }
    }
    for id in ids.sorted(by: >) {
      for suffix in [".seg", ".mir"] {
        let name = AuditedFolder.segmentName(streamID: 0, segmentID: id, suffix: suffix)
        guard let file = try? folder.open(name),
          let preamble = try? SegmentPreamble(file, salt: nil, &search),
          let header = preamble.headers.first, header.streamID == 0, header.segmentID == id
        else { continue }
        let manifest = try ManifestAudit(folder, segmentID: id, salt: header.salt, &search)
        guard manifest.map.isWhole else { continue }
        storeID = header.storeID
        return take(manifest)
      }
    }
  }
}

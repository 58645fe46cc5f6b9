internal import PlatformIO

extension SimulatedFileSystem {
  /// A hash over the names and bytes that programs see: equal for file systems with equal contents.
  ///
  /// Pages keep their hashes, so that images of one history share the work.
  public var contentDigest: UInt64 {
    state.withLock { disk in
      var digest: UInt64 = 0
      // A sum over entries, because names have no order.
      for directory in disk.directories where !directory.isRemoved {
        for (name, entry) in directory.entries {
          var item = RandomChoices.mix(directory.inode)
          for byte in name.utf8 { item = (item ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
          if case .file(let index) = entry { item ^= disk.files[index].contentDigest }
          digest &+= RandomChoices.mix(item)
        }
      }
      return digest
    }
  }
}

extension SimulatedFile {
  var contentDigest: UInt64 {
    var digest = RandomChoices.mix(UInt64(byteCount))
    for (index, page) in pages.enumerated() {
      guard let page, page.digest != 0 else { continue }
      digest &+= RandomChoices.mix(page.digest &+ UInt64(index) &* RandomChoices.increment)
    }
    return digest
  }
}

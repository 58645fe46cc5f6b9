extension FileSystem {
  /// Replaces a small file as a whole: after a crash its name stands for the old bytes or the new ones, never
  /// for a mixture.
  ///
  /// The bytes are written to `.<name>.new` first, which is also removed if a crash has left one (`<name>.new` may
  /// be a file of somebody); two callers must not replace the same name at once. Mode 0600.
  ///
  /// - Parameters:
  ///   - name: The file, one path component.
  ///   - directory: Where it is.
  ///   - bytes: What it holds from then on.
  ///   - isDurable: Whether the name is synced as well; the bytes always are. Without, a crash may bring the old
  ///     file back.
  ///   - willReplace: Called before the name is given: after an error from then on nobody knows whether a restart
  ///     will find the old file or the new one.
  /// - Throws: The error of the step that failed; the old file is in place if `willReplace` was not called.
  public func replace(
    _ name: String, in directory: DirectoryHandle, bytes: [UInt8],
    isDurable: Bool = true, willReplace: () -> Void = {}
  ) throws(FileSystemError) {
    let aside = ".\(name).new"
    do throws(FileSystemError) { try unlink(aside, in: directory) } catch {
      guard error.reason == .notFound else { throw error }
    }
    do throws(FileSystemError) {
      let file = try open(aside, in: directory, .create)
      defer { close(file) }
      try write(file, bytes: bytes, at: 0)
      // Before the name: or a power cut could leave the name of a file without its bytes.
      try synchronizeData(file)
      willReplace()
      try rename(aside, in: directory, to: name, in: directory)
    } catch {
      try? unlink(aside, in: directory)
      throw error
    }
    if isDurable { try synchronize(directory) }
  }
}

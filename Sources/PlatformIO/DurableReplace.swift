/// Replaces a small file as a whole, durably: after a crash its name stands for the old bytes or
/// the new ones, never for a mixture.
///
/// The bytes are written to `<name>.new`, which is also removed if a crash has left one; two
/// callers must not replace the same name at once. Mode 0600.
///
/// - Throws: The error of the step that failed; the old file is then still in place, unless the
///   last step failed, the sync of the directory, after which either may be found.
public func durableReplace(_ name: String, in directory: borrowing Directory, bytes: RawSpan)
  throws(FileSystemError)
{
  let aside = name + ".new"
  do throws(FileSystemError) {
    try directory.unlink(aside)
  } catch {
    guard error.reason == .notFound else { throw error }
  }
  do throws(FileSystemError) {
    let file = try File(opening: aside, in: directory, .create)
    try file.write(bytes, at: 0)
    // Sync before rename, or a crash can leave the name with an empty file.
    try file.synchronizeData()
    try directory.rename(aside, to: name)
  } catch {
    try? directory.unlink(aside)
    throw error
  }
  try directory.synchronize()
}

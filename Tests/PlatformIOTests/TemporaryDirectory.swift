import Glibc
import PlatformIO

/// An empty directory of its own for each test, removed with everything in it.
final class TemporaryDirectory: Sendable {
  let path: String
  let system = PosixFileSystem()
  let handle: DirectoryHandle

  init() throws {
    var template = Array("/tmp/piperoll-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw FileSystemError(.makeDirectory, "/tmp", .system(errorNumber: errno))
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    handle = try system.openDirectory(path: path)
  }

  deinit {
    removeContents(of: handle)
    system.close(handle)
    rmdir(path)
  }

  func path(_ name: String) -> String { path + "/" + name }

  func open() throws -> Directory { try Directory(opening: path, in: system) }

  /// Creates a file with bytes, by the plainest way.
  func makeFile(_ name: String, _ bytes: [UInt8] = []) {
    let descriptor = Glibc.open(path(name), O_CREAT | O_WRONLY | O_TRUNC, 0o600)
    _ = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    Glibc.close(descriptor)
  }

  func mode(_ name: String) -> mode_t {
    var status = stat()
    lstat(path(name), &status)
    return status.st_mode & 0o7777
  }

  private func removeContents(of directory: DirectoryHandle) {
    for entry in (try? system.entries(of: directory)) ?? [] {
      if entry.kind == .directory, let inner = try? system.openDirectory(entry.name, in: directory)
      {
        removeContents(of: inner)
        system.close(inner)
        try? system.removeDirectory(entry.name, in: directory)
      } else {
        try? system.unlink(entry.name, in: directory)
      }
    }
  }
}

/// The reason an operation fails for; nil when it does not fail.
func reason(_ body: () throws(FileSystemError) -> Void) -> FileSystemError.Reason? {
  do throws(FileSystemError) {
    try body()
    return nil
  } catch {
    return error.reason
  }
}

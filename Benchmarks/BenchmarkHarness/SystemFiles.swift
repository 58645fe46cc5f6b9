import CHarness
import Glibc

/// Small files of the system, and directories of our own.
enum SystemFiles {
  /// The text of a small file, such as those in `/proc`; nil when it cannot be read.
  static func text(at path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = unsafe part.withUnsafeMutableBytes { buffer in
        unsafe read(descriptor, buffer.baseAddress, buffer.count)
      }
      guard count > 0 else { break }
      bytes.append(contentsOf: part[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Writes a file, replacing one that is there.
  static func write(_ text: String, to path: String) throws(BenchmarkError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw BenchmarkError("cannot write \(path): \(reason())") }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    var position = 0
    while position < bytes.count {
      let count = unsafe bytes[position...].withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
      }
      guard count > 0 else { throw BenchmarkError("cannot write \(path): \(reason())") }
      position += count
    }
  }

  /// Creates a directory with a new name.
  static func makeDirectory(in parent: String, prefix: String) throws(BenchmarkError) -> String {
    var template = Array("\(parent)/\(prefix)XXXXXX".utf8CString)
    let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
      unsafe buffer.baseAddress.map { unsafe mkdtemp($0) != nil } ?? false
    }
    guard made else {
      throw BenchmarkError("cannot create a directory in \(parent): \(reason())")
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Creates a directory.
  static func makeDirectory(_ path: String) throws(BenchmarkError) {
    guard unsafe mkdir(path, 0o700) == 0 else {
      throw BenchmarkError("cannot create \(path): \(reason())")
    }
  }

  /// Removes a directory with everything below it; links are removed, not followed.
  static func removeDirectory(_ path: String) {
    if let directory = unsafe opendir(path) {
      while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafePointer(to: entry.pointee.d_name) { pointer in
          unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { text in
            unsafe String(cString: text)
          }
        }
        guard name != ".", name != ".." else { continue }
        let inside = "\(path)/\(name)"
        if unsafe unlink(inside) != 0 { removeDirectory(inside) }
      }
      unsafe closedir(directory)
    }
    _ = unsafe rmdir(path)
  }

  /// Writes back everything of the file system a directory is on, so that no window pays for the
  /// one before it.
  static func synchronizeFileSystem(of directory: String) {
    let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = harness_synchronize_file_system(descriptor)
    close(descriptor)
  }

  /// The error the last system call left.
  static func reason() -> String {
    unsafe String(cString: strerror(errno))
  }
}

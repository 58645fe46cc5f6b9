import PlatformIO
import SimulatedIO

/// A disk with an open, durable directory, and shorter ways to use it.
struct Rig {
  let disk: SimulatedFileSystem
  let directory: DirectoryHandle

  init(options: SimulatedFileSystem.Options = .init()) throws {
    disk = SimulatedFileSystem(options: options, directories: ["/store"])
    directory = try disk.openDirectory(path: "/store")
  }

  /// Goes on with a crash image.
  init(_ image: SimulatedFileSystem) throws {
    disk = image
    directory = try image.openDirectory(path: "/store")
  }

  func create(_ name: String) throws -> FileHandle {
    try disk.open(name, in: directory, .create)
  }

  /// A file whose bytes and name are durable.
  func createDurably(_ name: String, _ bytes: [UInt8]) throws -> FileHandle {
    let file = try create(name)
    try write(file, bytes)
    try disk.synchronizeData(file)
    try disk.synchronize(directory)
    return file
  }

  func write(_ file: FileHandle, _ bytes: [UInt8], at position: UInt64 = 0) throws {
    try bytes.withUnsafeBytes { try disk.write(file, $0, at: position) }
  }

  func writeDurably(_ file: FileHandle, _ bytes: [UInt8], at position: UInt64 = 0) throws {
    try bytes.withUnsafeBytes { try disk.writeDurably(file, $0, at: position) }
  }

  func bytes(_ name: String) throws -> [UInt8] { try disk.readFile("/store/" + name) }

  var names: [String] { disk.paths.map { String($0.dropFirst("/store/".count)) } }

  func rename(_ name: String, _ newName: String) throws {
    try disk.rename(name, in: directory, to: newName, in: directory)
  }
}

func page(_ byte: UInt8) -> [UInt8] { Array(repeating: byte, count: 4096) }

/// Everything a disk holds, for comparing two.
func contents(_ disk: SimulatedFileSystem) throws -> [String: [UInt8]] {
  var found: [String: [UInt8]] = [:]
  for path in disk.paths { found[path] = try disk.readFile(path) }
  return found
}

/// All images of a plan.
func everyImage(
  of disk: SimulatedFileSystem, _ plan: CrashPlan = .subsets
) -> [SimulatedFileSystem] {
  var choices = ExhaustiveChoices()
  var images: [SimulatedFileSystem] = []
  repeat { images.append(disk.crashImage(plan, choosing: &choices)) } while choices.advance()
  return images
}

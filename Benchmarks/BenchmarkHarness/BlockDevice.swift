import CHarness
import Glibc

/// The block device that holds a directory, and what was written to it.
struct BlockDevice {
  /// `ext4 on /dev/vda`, as the kernel names them.
  let fileSystem: String
  private let statisticsPath: String?

  init(holding directory: String) {
    var status = stat()
    guard unsafe stat(directory, &status) == 0 else {
      fileSystem = "unknown"
      statisticsPath = nil
      return
    }
    let number = "\(harness_device_major(status.st_dev)):\(harness_device_minor(status.st_dev))"
    fileSystem = Self.mountedFileSystem(deviceNumber: number)
    // A file system in memory has a device number without a block device behind it.
    let path = "/sys/dev/block/\(number)/stat"
    statisticsPath = SystemFiles.text(at: path) == nil ? nil : path
  }

  /// Bytes written since the machine started, by everyone; nil without a block device.
  var bytesWritten: UInt64? {
    guard let statisticsPath, let text = SystemFiles.text(at: statisticsPath) else { return nil }
    let fields = text.split(whereSeparator: \.isWhitespace)
    // Field 7 of the kernel's block statistics: sectors written, always of 512 bytes.
    guard fields.count > 6, let sectors = UInt64(fields[6]) else { return nil }
    return sectors * 512
  }

  private static func mountedFileSystem(deviceNumber: String) -> String {
    for line in (SystemFiles.text(at: "/proc/self/mountinfo") ?? "").split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 2, fields[2] == deviceNumber,
        let dash = fields.firstIndex(of: "-"), dash + 2 < fields.count
      else { continue }
      return "\(fields[dash + 1]) on \(fields[dash + 2])"
    }
    return "unknown"
  }
}

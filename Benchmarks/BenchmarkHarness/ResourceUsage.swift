import CHarness
import Glibc

/// What the process had used at some moment, or between two.
struct ResourceUsage {
  var allocations: UInt64
  var processorNanoseconds: UInt64
  var contextSwitches: UInt64
  /// Nil where the directory is not on a block device.
  var deviceBytes: UInt64?

  /// The usage up to now, taken before a window. The allocation count is taken last, because
  /// reading the device's statistics allocates.
  static func before(on device: BlockDevice) -> ResourceUsage {
    let deviceBytes = device.bytesWritten
    var usage = processUsage()
    usage.deviceBytes = deviceBytes
    usage.allocations = allocation_counter_allocations()
    return usage
  }

  /// The usage up to now, taken after a window: in the opposite order.
  static func after(on device: BlockDevice) -> ResourceUsage {
    let allocations = allocation_counter_allocations()
    var usage = processUsage()
    usage.allocations = allocations
    usage.deviceBytes = device.bytesWritten
    return usage
  }

  /// What was used since an earlier moment.
  func since(_ earlier: ResourceUsage) -> ResourceUsage {
    var deviceBytes: UInt64?
    if let now = self.deviceBytes, let then = earlier.deviceBytes { deviceBytes = now - then }
    return ResourceUsage(
      allocations: allocations - earlier.allocations,
      processorNanoseconds: processorNanoseconds - earlier.processorNanoseconds,
      contextSwitches: contextSwitches - earlier.contextSwitches, deviceBytes: deviceBytes)
  }

  private static func processUsage() -> ResourceUsage {
    var usage = rusage()
    // 0 is RUSAGE_SELF, imported with a type that does not fit.
    // Safety: `usage` is a valid, exclusive place for the result during the call.
    _ = unsafe getrusage(0, &usage)
    let user = UInt64(usage.ru_utime.tv_sec) * 1_000_000 + UInt64(usage.ru_utime.tv_usec)
    let system = UInt64(usage.ru_stime.tv_sec) * 1_000_000 + UInt64(usage.ru_stime.tv_usec)
    return ResourceUsage(
      allocations: 0, processorNanoseconds: (user + system) * 1000,
      contextSwitches: UInt64(usage.ru_nvcsw) + UInt64(usage.ru_nivcsw), deviceBytes: nil)
  }
}

import Glibc

/// Memory of the machine, made ready for a window.
enum MemoryWarmUp {
  /// Touches free memory and gives it back, so that the pages a window then takes are at hand.
  ///
  /// A virtual machine often gets its memory from the host at the first touch, and returns what
  /// was free for a while; such a touch costs several times what the kernel's own work on a page
  /// does. Whoever came first would pay for the others.
  static func touch(byteCount: Int) {
    let region = unsafe mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let region = unsafe region, unsafe region != MAP_FAILED else { return }
    // Large pages where there are any: a tenth of the time.
    _ = unsafe madvise(region, byteCount, MADV_HUGEPAGE)
    for position in stride(from: 0, to: byteCount, by: 4096) {
      unsafe region.storeBytes(of: 1, toByteOffset: position, as: UInt8.self)
    }
    _ = unsafe munmap(region, byteCount)
  }
}

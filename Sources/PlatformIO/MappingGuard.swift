internal import CPlatform
internal import Synchronization

/// The handler that keeps a lost page of a mapped file from ending the host process.
///
/// It is installed for SIGBUS when the first guarded region is mapped, answers for registered
/// ranges only, and passes every other fault to the handler that was there before. A host that
/// installs a handler of its own later should keep and call ours for faults it does not know, or
/// call `disable()` at its start and accept that a cut file ends the process.
public enum MappingGuard {
  private static let isDisabled = Atomic<Bool>(false)

  /// Keeps regions mapped from now on unguarded. An installed handler stays for earlier ones.
  public static func disable() { isDisabled.store(true, ordering: .releasing) }

  /// Installs the handler now rather than with the first region.
  ///
  /// - Returns: Whether regions mapped from now on are guarded.
  @discardableResult
  public static func install() -> Bool {
    !isDisabled.load(ordering: .acquiring) && piperoll_guard_install() == 0
  }

  /// Registers a range; nil when it is not watched.
  static func register(_ start: UnsafeMutableRawPointer, _ byteCount: Int, writable: Bool) -> Int32?
  {
    guard install() else { return nil }
    // Safety: only the addresses are kept; the owner takes them back before it unmaps.
    let slot = unsafe piperoll_guard_register(start, byteCount, writable)
    return slot >= 0 ? slot : nil
  }
}

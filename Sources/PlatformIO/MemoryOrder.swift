internal import CPlatform
public import Synchronization

/// Atomic access to numbers in raw memory: mapped segments, shared pages. The memory must be aligned to
/// the size of the number and valid for the call; concurrent accesses must be atomic as well.

/// Stores with release order: everything written before is visible to whoever loads the value.
@inlinable @inline(__always)
public func storeReleasing(_ value: UInt64, to address: UnsafeMutableRawPointer) {
  // Safety: Atomic<UInt64> has the size and alignment of UInt64; the caller vouches for the address.
  unsafe address.assumingMemoryBound(to: Atomic<UInt64>.self).pointee.store(
    value, ordering: .releasing)
}

/// Loads with acquire order.
@inlinable @inline(__always)
public func loadAcquiring(_ address: UnsafeRawPointer) -> UInt64 {
  // Safety: as above.
  unsafe address.assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .acquiring)
}

/// Tells the processor that this is a spin loop.
public func spinHint() { piperoll_pause() }

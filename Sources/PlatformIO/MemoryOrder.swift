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

/// Loads with acquire order.
@inlinable @inline(__always)
public func loadAcquiring(_ address: UnsafePointer<UInt32>) -> UInt32 {
  // Safety: as above, for UInt32.
  unsafe UnsafeRawPointer(address).assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(
    ordering: .acquiring)
}

/// Loads without order.
@inlinable @inline(__always)
public func loadRelaxed(_ address: UnsafePointer<UInt32>) -> UInt32 {
  // Safety: as above.
  unsafe UnsafeRawPointer(address).assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(
    ordering: .relaxed)
}

/// Adds (wrapping) as a full barrier.
@inlinable @inline(__always)
public func addSequentially(_ value: UInt32, to address: UnsafeMutablePointer<UInt32>) {
  // Safety: as above.
  _ = unsafe UnsafeMutableRawPointer(address).assumingMemoryBound(to: Atomic<UInt32>.self).pointee
    .wrappingAdd(value, ordering: .sequentiallyConsistent)
}

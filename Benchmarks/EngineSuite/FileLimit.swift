import BenchmarkHarness
import CLimits

/// A plain file, written by one system call after the other.
@safe final class FileLimit: ContenderSession {
  /// The calls of one iteration.
  enum Call {
    case write
    case pwriteAndDataSync
    case pwriteSynchronously
  }

  /// What is written, and into what.
  struct Shape {
    var call: Call
    /// Bytes of one call.
    var callByteCount: Int
    /// The file: reserved and fresh, or written before and gone through again and again.
    var isPrewritten: Bool
    /// Bytes of one write while the file is written beforehand.
    var fillByteCount = 4096
    /// Past the page cache.
    var isDirect = false
    /// Bytes of a file that is written again and again.
    var capacity = 32 << 20
  }

  private let file: OpaquePointer
  private let shape: Shape

  /// Makes a contender of a way to write.
  ///
  /// - Parameter recordsPerIteration: Where one call writes another number of records than the
  ///   workload's iteration.
  static func contender(
    _ name: String, recordsPerIteration: Int? = nil, _ shape: Shape
  ) -> Contender {
    Contender(
      name, role: .limit, lifetime: shape.isPrewritten ? .benchmark : .window,
      recordsPerIteration: recordsPerIteration
    ) { context in
      try FileLimit(shape, context)
    }
  }

  private init(_ shape: Shape, _ context: BenchmarkContext) throws {
    self.shape = shape
    let capacity =
      shape.isPrewritten
      ? shape.capacity : max(context.iterations * shape.callByteCount, shape.callByteCount)
    var opened: OpaquePointer?
    let failure = unsafe limit_file_open(
      context.directory + "/file", UInt64(capacity),
      shape.isPrewritten ? LIMIT_PREWRITTEN : LIMIT_FALLOCATED, shape.fillByteCount,
      shape.isDirect, &opened)
    guard failure == 0, let file = unsafe opened else {
      throw BenchmarkError("cannot prepare the file: error \(failure)")
    }
    unsafe self.file = unsafe file
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    // Without a recorder the loop is in C.
    guard latencies == nil else {
      return try stopwatch(iterations: iterations, recording: latencies) { _ in try call(1) }
    }
    return try stopwatch(iterations: 1, recording: nil) { _ in try call(UInt64(iterations)) }
  }

  private func call(_ count: UInt64) throws {
    let size = shape.callByteCount
    let failure =
      switch shape.call {
      case .write: unsafe limit_file_write(file, size, count)
      case .pwriteAndDataSync: unsafe limit_file_pwrite_datasync(file, size, count)
      case .pwriteSynchronously: unsafe limit_file_pwritev2_dsync(file, size, count)
      }
    guard failure == 0 else { throw BenchmarkError("cannot write: error \(failure)") }
  }

  func close() {
    unsafe limit_file_close(file)
  }
}

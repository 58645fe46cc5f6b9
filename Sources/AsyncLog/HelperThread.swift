internal import PlatformIO

/// Threads that block on behalf of tasks, so that the cooperative pool never does.
enum HelperThread {
  /// Runs a body on a thread of its own and suspends until it has returned.
  static func run(_ body: @escaping @Sendable () -> Void) async throws {
    let failure = Guarded<ThreadCreationError?>(nil)
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      do throws(ThreadCreationError) {
        _ = try DedicatedThread.start(name: "piperoll-wait") {
          body()
          continuation.resume()
        }
      } catch {
        failure.withLock { $0 = error }
        continuation.resume()
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

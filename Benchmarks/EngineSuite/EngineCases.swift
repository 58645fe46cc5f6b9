import BenchmarkHarness

/// The one place where the engine meets its benchmarks.
enum EngineCases {
  /// Our contenders for a benchmark.
  ///
  /// - Parameter name: The benchmark's name, such as `append/100B/visible`.
  /// - Returns: None for a benchmark the engine does not take part in.
  static func contenders(for name: String) -> [Contender] {
    switch name {
    default: []
    }
  }

  /// Benchmarks of the engine that have no peers.
  static var additionalBenchmarks: [Benchmark] { [] }
}

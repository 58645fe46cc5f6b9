import Glibc
import Synchronization

/// The command line around a list of benchmarks.
public enum BenchmarkCommand {
  /// Sizes a list of benchmarks may depend on.
  public struct Sizes: Sendable {
    /// Records stored for reading benchmarks.
    public let storedRecordCount: Int
  }

  /// Does what the command line asks for, writing to standard output and standard error.
  ///
  /// - Parameters:
  ///   - libraries: Names and versions of what is compared, for the head of the report.
  ///   - benchmarks: Makes the list; called once.
  /// - Returns: The status to exit with: 0, 1 when something failed, 2 for a wrong command line.
  public static func run(libraries: String, benchmarks: (Sizes) -> [Benchmark]) -> Int32 {
    do {
      let options = try CommandLineOptions(arguments: Array(CommandLine.arguments.dropFirst()))
      if options.isHelp {
        write(CommandLineOptions.help, to: STDOUT_FILENO)
        return 0
      }
      let sizes = Sizes(storedRecordCount: options.isQuick ? 200_000 : 1_000_000)
      let selected = benchmarks(sizes).compactMap { options.selected($0) }
      if options.isListing {
        for benchmark in selected { write(benchmark.name + "\n", to: STDOUT_FILENO) }
        return 0
      }
      guard !selected.isEmpty else { throw BenchmarkError("no benchmark has such a name") }
      do {
        return try run(selected, options: options, libraries: libraries) ? 0 : 1
      } catch {
        write("bench: \(error)\n", to: STDERR_FILENO)
        return 1
      }
    } catch {
      write("bench: \(error)\n", to: STDERR_FILENO)
      return 2
    }
  }

  private static func run(
    _ benchmarks: [Benchmark], options: CommandLineOptions, libraries: String
  ) throws -> Bool {
    let directory = try SystemFiles.makeDirectory(
      in: options.directory ?? ".", prefix: "piperoll-bench-")
    defer { SystemFiles.removeDirectory(directory) }
    for number in [SIGINT, SIGTERM, SIGHUP] {
      _ = signal(number) { _ in wasInterrupted.store(true, ordering: .relaxed) }
    }
    // A closed output ends the run by a failed write, so that the directory is still removed.
    _ = signal(SIGPIPE, SIG_IGN)
    let device = BlockDevice(holding: directory)
    var settings = RunSettings()
    if options.isQuick {
      settings.roundCount = 3
      settings.windowNanoseconds = 40_000_000
      settings.windowByteCountLimit = 128 << 20
      settings.latencyCountMinimum = 50
    }
    if let roundCount = options.roundCount { settings.roundCount = roundCount }
    let showsProgress = isatty(STDERR_FILENO) == 1
    let runner = Runner(settings: settings, directory: directory, device: device) { line in
      if showsProgress { write("\r\u{1B}[K\(line)", to: STDERR_FILENO) }
    }
    let machine = MachineDescription(device: device, libraries: libraries)
    var report = Report(machine: machine, command: options.command)
    for (name, value) in report.machine.facts { write("\(name): \(value)\n", to: STDOUT_FILENO) }
    for benchmark in benchmarks {
      let result = try runner.run(benchmark)
      if showsProgress { write("\r\u{1B}[K", to: STDERR_FILENO) }
      write("\n" + Report.plainText(of: result), to: STDOUT_FILENO)
      report.results.append(result)
    }
    if let path = options.jsonPath { try SystemFiles.write(report.json, to: path) }
    if let path = options.markdownPath { try SystemFiles.write(report.markdown, to: path) }
    return report.results.allSatisfy { $0.contenders.allSatisfy { $0.failure == nil } }
  }

  private static func write(_ text: String, to descriptor: Int32) {
    let bytes = Array(text.utf8)
    var position = 0
    while position < bytes.count {
      let count = unsafe bytes[position...].withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
      }
      guard count > 0 else { return wasInterrupted.store(true, ordering: .relaxed) }
      position += count
    }
  }
}

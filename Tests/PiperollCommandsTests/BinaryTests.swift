import CommandLineInterface
import Foundation
import Glibc
import Testing

/// The built program, in real processes.
@Suite struct BinaryTests {
  /// The program beside the tests, or `nil`, said, when it was not built.
  static let program: String? = {
    let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let path = folder.appendingPathComponent("piperoll").path
    if FileManager.default.isExecutableFile(atPath: path) { return path }
    print("skipped: no program beside the tests")
    return nil
  }()

  /// Whether a sanitizer is built in, which needs memory and files of its own.
  static let isSanitized: Bool = {
    let found = dlsym(nil, "__tsan_init") != nil || dlsym(nil, "__asan_init") != nil
    if found { print("skipped under a sanitizer: limits that it cannot keep") }
    return found
  }()

  struct Result {
    let status: Int32
    let output: String
    let errors: String
  }

  /// Runs a script with `$P` for the program, in the rig's folder; its status, output and errors.
  static func shell(_ rig: Rig, _ script: String) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", script]
    process.currentDirectoryURL = URL(fileURLWithPath: rig.folder)
    process.environment = ["P": program ?? "", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"]
    let files = ["out", "err"].map { rig.path("shell-\($0)") }
    for file in files { try Data().write(to: URL(fileURLWithPath: file)) }
    process.standardOutput = FileHandle(forWritingAtPath: files[0])
    process.standardError = FileHandle(forWritingAtPath: files[1])
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return Result(
      status: process.terminationStatus,
      output: String(decoding: try rig.read("shell-out"), as: UTF8.self),
      errors: String(decoding: try rig.read("shell-err"), as: UTF8.self))
  }

  @Test func `a reader that has seen enough ends the program quietly`() throws {
    guard Self.program != nil else { return }
    let rig = try Rig().initialise()
    let result = try Self.shell(
      rig,
      """
      seq 200000 | $P append store s || exit 1
      $P read store s | head -1; echo ${PIPESTATUS[0]}
      """)
    #expect(result.output == "1\n0\n" && result.errors.isEmpty)
  }

  @Test(.timeLimit(.minutes(15)))
  func `Ctrl-C commits what was read and exits with 130`() throws {
    guard Self.program != nil else { return }
    let rig = try Rig().initialise()
    let result = try Self.shell(
      rig,
      """
      set -m  # Else the shell starts it with the signal ignored.
      mkfifo in; exec 5<>in
      $P append store s --ack <in >acks & pid=$!
      printf 'a\\nb\\nhalf' >&5
      until [ "$(wc -l <acks)" = 2 ]; do sleep 0.01; done
      kill -INT $pid; wait $pid; echo $?
      $P read store s
      """)
    #expect(result.output == "130\na\nb\n")
  }

  @Test(.timeLimit(.minutes(15)))
  func `Ctrl-C ends an import that waits at a FIFO, and keeps what it read`() throws {
    guard Self.program != nil else { return }
    let rig = try Rig().initialise()
    let result = try Self.shell(
      rig,
      """
      set -m
      mkfifo in; exec 5<>in
      $P import store s in 2>/dev/null & pid=$!
      printf 'a\\nb\\n' >&5
      sleep 1
      kill -INT $pid; wait $pid; echo $?
      $P read store s
      """)
    #expect(result.output == "130\na\nb\n")
  }

  @Test func `what is missing at the end of a stream is an exit code`() throws {
    guard Self.program != nil else { return }
    let rig = try Rig().initialise()
    let result = try Self.shell(
      rig,
      """
      seq 100 | $P append store s
      $P init other >/dev/null; seq 5 | $P append other s
      cp other/s/*/*2.seg store/s/*/*2.seg 2>/dev/null || cp other/s/*/*1.seg store/s/*/*1.seg
      $P read store s 2>/dev/null; echo $?
      $P export store s 2>/dev/null; echo $?
      """)
    #expect(result.output == "2\n2\n")
  }

  @Test func `standard streams that are closed corrupt nothing`() throws {
    guard Self.program != nil else { return }
    let rig = try Rig().initialise()
    let result = try Self.shell(
      rig,
      """
      printf 'a\\n' | $P append store s >&- 2>&-; echo $?
      $P append store s <&- >&- 2>&-; echo $?
      printf 'b\\n' | $P append store s --ack >&-; echo $?
      $P read store s >&- 2>&-; echo $?
      $P verify store
      """)
    #expect(result.output.hasPrefix("0\n2\n2\n2\nsound"))
    #expect(rig.run("read", rig.store, "s").text == "a\nb\n")
  }

  @Test func `an import that was killed goes on and adds nothing twice`() throws {
    guard Self.program != nil else { return }
    let rig = try Rig().initialise()
    let result = try Self.shell(
      rig,
      """
      seq 300000 >in
      for i in 1 2 3 4 5 6; do
        $P import store s in 2>/dev/null & pid=$!
        sleep 0.0$i; kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
      done
      $P import store s in && $P export store s | cmp - in && $P verify store && echo same
      """)
    #expect(result.output.hasSuffix("same\n"))
  }

  @Test func `too few descriptors are a clear error`() throws {
    guard Self.program != nil else { return }
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", input: Array("a\n".utf8))
    for limit in 6...9 {
      let result = try Self.shell(
        rig, "ulimit -n \(limit); echo b | $P append store s; $P read store s >/dev/null; echo $?")
      #expect(result.output == "2\n" || result.output == "0\n")
      #expect(!result.errors.contains("Fatal"))
    }
    let result = try Self.shell(rig, "ulimit -n 6; $P read store s")
    #expect(result.status == 2 && result.errors.contains("descriptors"))
    #expect(rig.run("read", rig.store, "s").text.hasPrefix("a\n"))
    #expect(rig.run("verify", rig.store).code == .success)
  }

  @Test func `directories without rights are clear errors and a read-only store can be read`()
    throws
  {
    guard Self.program != nil else { return }
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", input: Array("a\n".utf8))
    guard getuid() == 0, try Self.shell(rig, "setpriv --reuid=65534 $P --version").status == 0
    else {
      print("skipped: no other user to try it as")
      return
    }
    let result = try Self.shell(
      rig,
      """
      as() { setpriv --reuid=65534 --clear-groups "$@"; }
      as $P read store s; echo $?
      as $P init store/x; echo $?
      chown -R 65534 store; chmod -R a-w store
      echo b | as $P append store s; echo $?
      as $P read store s; echo $?
      as $P verify store
      """)
    #expect(result.output.hasPrefix("2\n2\n2\na\n0\nsound"))
    #expect(result.errors.split(separator: "\n").count == 3)
    #expect(result.errors.contains("permission denied"))
  }

  @Test func `an argument that is not UTF-8 is a usage error`() throws {
    guard Self.program != nil else { return }
    let rig = try Rig().initialise()
    let result = try Self.shell(rig, "$P read store $'\\xff'")
    #expect(result.status == 2 && result.errors.contains("not UTF-8"))
  }

  @Test func `the load generator writes what was acknowledged`() throws {
    guard Self.program != nil else { return }
    let rig = try Rig().initialise()
    let result = try Self.shell(
      rig,
      """
      $P bench store --seconds 1 --threads 3 --ack acks --json
      $P verify store
      """)
    #expect(result.output.contains("\"recordsPerSecond\":"))
    let acks = String(decoding: try rig.read("acks"), as: UTF8.self).split(separator: "\n")
    let offsets = Set(acks.compactMap { $0.split(separator: "\t").first })
    #expect(!acks.isEmpty && offsets.count == acks.count)
    #expect(result.output.contains("sound; 2 streams"))
  }
}

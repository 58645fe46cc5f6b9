import CommandLineInterface
import Foundation
import Glibc
import Testing

/// The built program under limits and settings that the shell gives it.
@Suite struct SurroundingsTests {
  /// A store with two records in stream `s`.
  private func makeRig() throws -> Rig {
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", input: Array("a\nb\n".utf8))
    return rig
  }

  @Test func `too little memory is an error that leaves the store sound`() throws {
    guard BinaryTests.program != nil, !BinaryTests.isSanitized else { return }
    let rig = try makeRig()
    var failed = 0
    for limit in [30_000, 40_000, 50_000, 80_000, 200_000] {
      let result = try BinaryTests.shell(
        rig,
        """
        ulimit -v \(limit)
        $P read store s >/dev/null 2>err; code=$?
        if grep -q '^piperoll' err || [ $code = 0 ]; then echo $code; else echo loader; fi
        """)
      #expect(["0\n", "2\n", "loader\n"].contains(result.output), "\(limit): \(result.output)")
      if result.output != "0\n" { failed += 1 }
      #expect(try !String(decoding: rig.read("err"), as: UTF8.self).contains("Fatal error"))
    }
    #expect(failed < 5, "no limit left room for two records")
    let large = try BinaryTests.shell(
      rig,
      """
      head -c 100000000 /dev/zero | tr '\\0' x | (ulimit -v 120000; $P append store s >/dev/null)
      echo $?
      """)
    #expect(
      large.output == "2\n" && large.errors.hasPrefix("piperoll append: "),
      "\(large.output) \(large.errors)")
    #expect(rig.run("read", rig.store, "s").text == "a\nb\n")
    #expect(rig.run("verify", rig.store).code == .success)
  }

  /// A control group that holds processes to some memory; `nil` where this user cannot make one.
  private static let memoryGroup: String? = {
    for (parent, limit) in [("memory/", "memory.limit_in_bytes"), ("", "memory.max")] {
      let path = "/sys/fs/cgroup/\(parent)piperoll-\(UUID().uuidString)"
      guard mkdir(path, 0o755) == 0 else { continue }
      if let file = FileHandle(forWritingAtPath: "\(path)/\(limit)"),
        (try? file.write(contentsOf: Data("33554432".utf8))) != nil
      {
        return path
      }
      rmdir(path)
    }
    print("skipped: no right to make a control group that limits memory")
    return nil
  }()

  @Test func `a control group with less memory than the data only slows the program down`() throws {
    guard BinaryTests.program != nil, !BinaryTests.isSanitized, let group = Self.memoryGroup
    else { return }
    defer { rmdir(group) }
    let rig = try makeRig()
    let result = try BinaryTests.shell(
      rig,
      """
      (
        echo $BASHPID > \(group)/cgroup.procs || exit 1
        for class in disk async memory; do
          $P create store $class --durability $class >/dev/null
          seq -f '%0999g' 60000 | $P append store $class
          echo "$class ${PIPESTATUS[*]}"
          cmp <(seq -f '%0999g' 60000) <($P read store $class)
        done
        $P verify store >/dev/null; echo $?
      )
      """)
    #expect(result.output == "disk 0 0\nasync 0 0\nmemory 0 0\n0\n", "\(result)")
  }

  @Test func `the limit on the size of files is an error and no signal`() throws {
    guard BinaryTests.program != nil, !BinaryTests.isSanitized else { return }
    let rig = try makeRig()
    let result = try BinaryTests.shell(
      rig, "ulimit -f 8; seq 100000 | $P append store big >/dev/null; echo ${PIPESTATUS[1]}")
    #expect(result.output == "2\n" && result.errors.contains("file-size limit"))
    #expect(rig.run("read", rig.store, "s").text == "a\nb\n")
    #expect(rig.run("verify", rig.store).code == .success)
    #expect(rig.run("append", rig.store, "s", input: Array("c\n".utf8)).code == .success)
  }

  @Test func `locale, time zone and temporary folder change nothing`() throws {
    guard BinaryTests.program != nil else { return }
    let rig = try makeRig()
    let result = try BinaryTests.shell(
      rig,
      """
      plain() { env -i $P "$@"; }
      other() {
        env -i LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8 TZ=Asia/Kathmandu TMPDIR=$PWD/tmp HOME=/nowhere \\
          LD_BIND_NOW=1 $P "$@"
      }
      mkdir tmp
      # Free space is what other programs leave of it.
      steady() { sed -E 's/"(available|free)[A-Za-z]*": ?[0-9]+//g'; }
      for words in "read store s --json" "info store --json" "dump store" "verify store"; do
        cmp <(plain $words 2>&1 | steady) <(other $words 2>&1 | steady) || echo "differs: $words"
      done
      printf 'I\\ni\\n' | other append store i >/dev/null
      plain read store i
      ls tmp
      """)
    #expect(result.output == "I\ni\n" && result.errors.isEmpty, "\(result)")
  }
}

import BenchmarkHarness
import Glibc

/// A process of this program that works on a store until it is told to stop.
struct ChildProcess {
  private let process: pid_t
  private let socket: Int32

  private struct Failed: Error {}

  /// Starts a child.
  ///
  /// - Parameters:
  ///   - flag: Its first argument, by which it knows what to do.
  ///   - path: The store, its second; the third is the descriptor that it is told by.
  init(_ flag: String, _ path: String) throws {
    var ends: [Int32] = [0, 0]
    guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
      throw Failed()
    }
    defer { Glibc.close(ends[1]) }
    // Or the child would hold the end open that says when to stop.
    _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
    let words = [CommandLine.arguments[0], flag, path, "\(ends[1])"]
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) }
    unsafe arguments.append(nil)
    defer { unsafe arguments.forEach { unsafe free($0) } }
    var child: pid_t = 0
    guard unsafe posix_spawn(&child, "/proc/self/exe", nil, nil, arguments, environ) == 0 else {
      Glibc.close(ends[0])
      throw Failed()
    }
    (process, socket) = (child, ends[0])
  }

  /// Ends it when it looks the next time.
  ///
  /// - Returns: How much it did, and what went wrong; empty when nothing did.
  func stop() throws -> (count: Int, problem: String) {
    defer { Glibc.close(socket) }
    shutdown(socket, Int32(SHUT_WR))
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = unsafe read(socket, &buffer, buffer.count)
      guard count > 0 else { break }
      bytes += buffer.prefix(count)
    }
    var status: Int32 = 0
    _ = unsafe waitpid(process, &status, 0)
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", maxSplits: 1)
    guard status == 0, let count = lines.first.flatMap({ Int($0) }) else { throw Failed() }
    return (count, lines.count > 1 ? String(lines[1]) : "")
  }
}

/// What a child has: told by its arguments.
struct ChildRequest {
  /// The store.
  let path: String
  private let socket: Int32

  /// Reads the arguments of a child with a flag; `nil` in any other process.
  init?(_ flag: String, _ arguments: [String]) {
    guard arguments.count == 4, arguments[1] == flag, let socket = Int32(arguments[3]) else {
      return nil
    }
    (path, self.socket) = (arguments[2], socket)
  }

  /// Whether the child is to go on.
  var isWanted: Bool {
    var byte: UInt8 = 0
    return unsafe recv(socket, &byte, 1, Int32(MSG_DONTWAIT)) < 0
  }

  /// Tells what came of it, and ends the process.
  func end(count: Int, problem: String) -> Never {
    let answer = Array("\(count)\n\(problem)".utf8)
    exit(unsafe write(socket, answer, answer.count) == answer.count ? 0 : 1)
  }
}

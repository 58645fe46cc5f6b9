internal import Glibc
internal import PlatformIO

/// A program that was started, to be killed.
struct ChildProcess: ~Copyable {
  private let id: pid_t

  /// How a process ended.
  enum End: Equatable {
    case exit(Int32)
    case signal(Int32)
  }

  /// The program could not be started.
  struct StartError: Error, CustomStringConvertible {
    let description: String
  }

  /// Starts a program; what it prints goes to a file.
  init(_ program: String, _ arguments: [String], outputTo file: String) throws(StartError) {
    // Safety: the system fills both before they are used; they are destroyed below.
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    let flags = O_WRONLY | O_CREAT | O_APPEND
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(&actions, 1, file, flags, 0o666)
    unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // Safety: the copies live until the call is over and are freed here.
    var words: [UnsafeMutablePointer<CChar>?] = unsafe []
    for word in [program] + arguments { unsafe words.append(strdup(word)) }
    defer { unsafe words.forEach { unsafe free($0) } }
    unsafe words.append(nil)
    var child: pid_t = 0
    let number = unsafe posix_spawn(&child, program, &actions, nil, words, environ)
    guard number == 0 else {
      throw StartError(description: "\(program) does not start: error \(number)")
    }
    id = child
  }

  /// Kills it, as the kernel does when memory is short, and waits until it is gone.
  consuming func kill() -> End {
    // The process cannot be another one: nobody has waited for it yet.
    _ = Glibc.kill(id, SIGKILL)
    return wait()
  }

  /// Waits until it has ended.
  consuming func wait() -> End {
    var status: Int32 = 0
    // Safety: the variable lives through the call.
    while unsafe waitpid(id, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7f
    return signal == 0 ? .exit(status >> 8 & 0xff) : .signal(signal)
  }
}

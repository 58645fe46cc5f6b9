internal import Glibc

/// How many descriptors this process may have open.
public enum OpenFileLimit {
  /// The soft limit of `RLIMIT_NOFILE` when it was first asked for; 1,024 where the system does not say.
  public static let current: Int = {
    var limit = rlimit()
    // Safety: the call writes the structure it is given.
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      return 1_024
    }
    return Int(clamping: limit.rlim_cur)
  }()
}

internal import Glibc

/// How many threads an audit has.
enum AuditWorkers {
  /// More would take more memory than an audit may have.
  static let limit = 12

  /// One a processor of the machine.
  static var count: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}

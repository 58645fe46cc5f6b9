internal import Glibc

/// How much of the processors a thread gets when others want them too.
public enum ThreadPriority {
  /// SCHED_BATCH of sched(7), which Glibc keeps from programs that do not ask for GNU names.
  private static let batchPolicy: Int32 = 3

  /// Lets others go first: from now on for the calling thread, and for threads that it starts. It never cuts off
  /// one that runs when it has something to do, as the batch class of sched(7) has it.
  ///
  /// - Parameter niceness: 0 changes nothing, 19 takes no more than what others leave; a thread that gives way
  ///   further already stays as it is. See nice(2).
  public static func giveWay(niceness: Int) {
    // Of the calling thread, which 0 stands for: on Linux each has a niceness of its own.
    let mine = getpriority(.init(PRIO_PROCESS.rawValue), 0)
    guard niceness > mine else { return }
    // Where it is refused the thread goes on as it is.
    var parameters = sched_param()
    // Safety: the parameters live for the call.
    _ = unsafe sched_setscheduler(0, batchPolicy, &parameters)
    _ = setpriority(.init(PRIO_PROCESS.rawValue), 0, Int32(min(19, niceness)))
  }
}

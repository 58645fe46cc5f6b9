public import PlatformIO

/// Which operations of a simulated file system fail, and how.
///
/// Operations that change something (create, write, durable write, sync, allocate, set size, punch
/// hole, rename, unlink, make and remove directory, sync of a directory) are numbered from 1 in the
/// order in which they were begun, failed ones included. Others can be made to fail by kind only.
public struct FaultPlan: Sendable {
  /// How much of a failing operation takes place.
  public enum Form: Hashable, Sendable {
    /// Nothing; the error is the truth.
    case lost
    /// Everything; the error is a lie.
    case kept
    /// A beginning of it: of a write that many bytes (half of them if nil), of an allocation or a
    /// hole half the range, of a file sync half of the dirty pages, of a directory sync half of the
    /// pending entries. Operations without parts are lost.
    case partial(byteCount: Int? = nil)
  }

  /// When a fault strikes.
  public enum Trigger: Hashable, Sendable {
    /// The changing operation of this number, counted from 1 over the life of the file system.
    case operation(number: Int)
    /// The `index`-th operation (from 1) of a kind since the plan was set, among those whose path
    /// the fault's filter accepts. The kind `.open` counts openings and creations.
    case occurrence(FileSystemError.Operation, index: Int)
  }

  /// Which files or directories a fault applies to.
  public enum PathFilter: Sendable {
    /// All.
    case any
    /// Those whose path ends like this.
    case suffix(String)
    /// Those whose path the closure accepts. It runs under the file system's lock: it must not call
    /// the file system.
    case matching(@Sendable (String) -> Bool)

    func accepts(_ path: @autoclosure () -> String) -> Bool {
      switch self {
      case .any: true
      case .suffix(let suffix): path().hasSuffix(suffix)
      case .matching(let accepts): accepts(path())
      }
    }
  }

  /// One planned fault.
  public struct Fault: Sendable {
    /// When it strikes.
    public var trigger: Trigger
    /// What is thrown.
    public var reason: FileSystemError.Reason
    /// How much of the operation takes place.
    public var form: Form
    /// What it applies to.
    public var paths: PathFilter
    /// Strikes at the trigger and every time after it: every changing operation after that number,
    /// or every further operation of the kind.
    public var isPermanent: Bool
    /// A failing sync leaves its pages clean although they did not reach the disk: readers see the
    /// new bytes, a later sync succeeds, and the next power cut brings the old bytes back (F6). For
    /// a directory sync the pending entries are never made durable any more.
    public var dropsDirtyPages: Bool

    /// Makes a fault.
    public init(
      _ trigger: Trigger, reason: FileSystemError.Reason = .inputOutput, form: Form = .lost,
      paths: PathFilter = .any, isPermanent: Bool = false, dropsDirtyPages: Bool = false
    ) {
      self.trigger = trigger
      self.reason = reason
      self.form = form
      self.paths = paths
      self.isPermanent = isPermanent
      self.dropsDirtyPages = dropsDirtyPages
    }
  }

  /// A power cut in the middle of the work.
  public struct PowerLoss: Hashable, Sendable {
    /// The changing operation in which it happens.
    public var operationNumber: Int
    /// How much of that operation took place. It is never durable by that alone, except syncs.
    public var form: Form

    /// Makes a power cut.
    public init(atOperation number: Int, form: Form = .lost) {
      operationNumber = number
      self.form = form
    }
  }

  /// Faults; the first that strikes an operation decides.
  public var faults: [Fault]
  /// The power cut, if there is to be one: from it on every operation throws `.powerLost`.
  public var powerLoss: PowerLoss?

  /// Makes a plan.
  public init(_ faults: [Fault] = [], powerLoss: PowerLoss? = nil) {
    self.faults = faults
    self.powerLoss = powerLoss
  }

  /// No faults.
  public static var none: FaultPlan { FaultPlan() }

  /// The changing operation of this number fails.
  public static func failing(
    operation number: Int, with reason: FileSystemError.Reason = .inputOutput, form: Form = .lost,
    forever isPermanent: Bool = false, dropsDirtyPages: Bool = false
  ) -> FaultPlan {
    FaultPlan([
      Fault(
        .operation(number: number), reason: reason, form: form, isPermanent: isPermanent,
        dropsDirtyPages: dropsDirtyPages)
    ])
  }

  /// The `index`-th operation of a kind fails.
  public static func failing(
    _ kind: FileSystemError.Operation, occurrence index: Int = 1,
    with reason: FileSystemError.Reason = .inputOutput, form: Form = .lost,
    paths: PathFilter = .any, forever isPermanent: Bool = false, dropsDirtyPages: Bool = false
  ) -> FaultPlan {
    FaultPlan([
      Fault(
        .occurrence(kind, index: index), reason: reason, form: form, paths: paths,
        isPermanent: isPermanent, dropsDirtyPages: dropsDirtyPages)
    ])
  }

  /// The power goes off in the changing operation of this number.
  public static func powerLoss(atOperation number: Int, form: Form = .lost) -> FaultPlan {
    FaultPlan(powerLoss: PowerLoss(atOperation: number, form: form))
  }
}

internal import PlatformIO

/// A fault plan and how far it has run.
struct FaultClock: Sendable {
  /// What happens to one operation.
  enum Verdict: Sendable {
    case proceed
    case fail(FaultPlan.Fault)
    case losePower(FaultPlan.Form)
  }

  let plan: FaultPlan
  /// Matching operations seen so far, per fault.
  private var counts: [Int]

  init(_ plan: FaultPlan) {
    self.plan = plan
    counts = Array(repeating: 0, count: plan.faults.count)
  }

  /// Counts an operation and says what happens to it.
  ///
  /// - Parameters:
  ///   - number: The operation's number; nil for one that changes nothing.
  ///   - path: Built only if a filter asks.
  mutating func verdict(
    on kind: FileSystemError.Operation, number: Int?, path: @autoclosure () -> String
  ) -> Verdict {
    if let powerLoss = plan.powerLoss, let number, number >= powerLoss.operationNumber {
      return .losePower(powerLoss.form)
    }
    var striking: FaultPlan.Fault?
    for (index, fault) in plan.faults.enumerated() {
      // Every fault counts, even when an earlier one decides.
      if strikes(fault, at: index, kind, number, path()), striking == nil { striking = fault }
    }
    return striking.map(Verdict.fail) ?? .proceed
  }

  private mutating func strikes(
    _ fault: FaultPlan.Fault, at index: Int, _ kind: FileSystemError.Operation, _ number: Int?,
    _ path: @autoclosure () -> String
  ) -> Bool {
    switch fault.trigger {
    case .operation(let wanted):
      guard let number, number == wanted || (fault.isPermanent && number > wanted) else {
        return false
      }
      return fault.paths.accepts(path())
    case .occurrence(let wantedKind, let wanted):
      guard kind == wantedKind, fault.paths.accepts(path()) else { return false }
      counts[index] += 1
      return counts[index] == wanted || (fault.isPermanent && counts[index] > wanted)
    }
  }
}

internal import SimulatedIO

/// One kind of crash, as the sweep draws them.
struct CrashKind {
  let name: String
  let cause: Crash
  let plan: CrashPlan

  /// Draws a kind: mostly the whole weak model, with tears of every size.
  init(choosing choices: inout RandomChoices) {
    switch choices.choose(below: 16) {
    case 0, 1: self.init("process killed", .processDeath, .processKill)
    case 2: self.init("all lost", .powerCut, .loseAll)
    case 3: self.init("all kept", .powerCut, .keepAll)
    case 4, 5: self.init("ordered", .powerCut, .ordered)
    case 6, 7, 8: self.init("torn at 1", .powerCut, .random(tearGranularity: 1))
    case 9, 10: self.init("torn at 8", .powerCut, .random(tearGranularity: 8))
    case 11, 12, 13: self.init("torn at 512", .powerCut, .random(tearGranularity: 512))
    default: self.init("whole pages", .powerCut, .random(tearGranularity: nil))
    }
  }

  init(_ name: String, _ cause: Crash, _ plan: CrashPlan) {
    self.name = name
    self.cause = cause
    self.plan = plan
  }
}

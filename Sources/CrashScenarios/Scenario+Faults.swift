internal import CommitLog
internal import PlatformIO
internal import SimulatedIO

/// Scenarios on a disk that fails or fills up.
extension Scenario {
  static let failedSync = Scenario(
    "failed-sync", "a write or sync of a segment fails once, and the stream goes on",
    isTolerant: true
  ) { session in
    try session.create()
    try session.createStream("d", .disk, rollAfter: 20)
    try session.appendStamped("d", producer: 5)
    try session.append("d", 4, acknowledged: true)
    for _ in 0..<4 {
      try session.append("d", 2, size: 150)
      try session.appendStamped("d", producer: 5)
      session.planFault([.writeDurably, .synchronizeData][session.random.below(2)], in: "/s/")
      try session.append("d", 3, size: session.random.below(2_000))
      try session.reserve("d", size: 30, abandoning: true)
      try session.flush("d")
      session.disk.faultPlan = .none
      try session.append("d", 3, acknowledged: true)
      try session.resendAll("d")
    }
    session.abandon()
    try session.step("reopen") { try session.reopen(after: .processDeath) }
    try session.append("d", 3, acknowledged: true)
  }

  static let failedManifest = Scenario(
    "failed-manifest", "a write or sync of the manifest fails once", isTolerant: true
  ) { session in
    try session.create()
    try session.createStream("d", .disk, rollAfter: 4)
    for _ in 0..<5 {
      try session.append("d", 3)
      session.planFault([.writeDurably, .synchronizeData][session.random.below(2)], in: "/meta/")
      try session.append("d", 6, size: 100)
      try session.flush("d")
      session.disk.faultPlan = .none
      try session.append("d", 2, acknowledged: true)
    }
  }

  static let diskFull = Scenario(
    "disk-full", "the disk is full when a segment is needed, and has room again later",
    isTolerant: true
  ) { session in
    try session.create()
    try session.createStream("d", .disk)
    try session.createStream("a", .async(maxDelayNanoseconds: 1_000_000, maxByteCount: 16 << 10))
    try session.append("d", 8, size: 2_000, acknowledged: true)
    try session.append("a", 4, size: 2_000)
    let capacity = session.disk.byteCapacity
    for room in [0, 5, 20] {
      session.disk.byteCapacity = session.disk.usedByteCount + UInt64(room) * 4_096
      for _ in 0..<8 {
        try session.append("d", 4, size: 2_000)
        try session.append("a", 3, size: 2_000)
      }
      try session.flush("d")
      try session.remove("d", before: 5)
      session.disk.byteCapacity = capacity
      try session.append("d", 3, size: 2_000, acknowledged: true)
      try session.append("a", 3, size: 2_000)
    }
    try session.flush("a")
  }
}

extension Session {
  /// Lets the next operation of a kind fail in one of the ways disks fail.
  func planFault(_ kind: FileSystemError.Operation, in part: String) {
    let forms: [FaultPlan.Form] = [.lost, .kept, .partial()]
    disk.faultPlan = .failing(
      kind, form: forms[random.below(3)], paths: .matching { $0.contains(part) },
      dropsDirtyPages: random.oneIn(2))
  }
}

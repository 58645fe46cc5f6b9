internal import CommitLog
internal import LogFormat
internal import PlatformIO
internal import SimulatedIO

extension Scenario {
  /// Every scenario of the sweep.
  public static let all: [Scenario] = [
    creation, singles, batches, producers, reservations, rolls, mappedRolls, removal, reopenings,
    manifestRotation, twoStreams, evidence, failedSync, failedManifest, diskFull,
  ]

  private static let asyncClass = Durability.async(
    maxDelayNanoseconds: 1_000_000, maxByteCount: 16 << 10)

  static let creation = Scenario("creation", "a store and streams of the three classes") {
    session in
    try session.create()
    try session.createStream("disk", .disk)
    try session.createStream("memory", .memory)
    try session.createStream("async", asyncClass)
    for name in ["disk", "memory", "async"] { try session.append(name, 2) }
    try session.flush("disk")
  }

  static let singles = Scenario("singles", "single appends, awaited or not, of every shape") {
    session in
    try session.create()
    for (name, durability) in [("d", Durability.disk), ("m", .memory), ("a", asyncClass)] {
      try session.createStream(name, durability)
      try session.append(name, 3, size: session.random.below(300))
      try session.append(name, 1, size: 1_000, acknowledged: true)
      try session.append(name, 2, shape: .full)
      try session.append(name, 1, shape: .tombstone)
      try session.appendConflicting(name)
      try session.append(name, 2, size: 0, acknowledged: true)
      try session.append(name, 2, size: 3_000)
      try session.append(name, 4, size: session.random.below(100), acknowledged: true)
    }
  }

  static let batches = Scenario("batches", "batches of every size, some larger than a buffer") {
    session in
    try session.create()
    for (name, durability) in [("d", Durability.disk), ("m", .memory), ("a", asyncClass)] {
      try session.createStream(name, durability)
      try session.appendBatch(name, records: 5)
      try session.append(name, 1)
      try session.appendBatch(name, records: 40, size: 100, shape: .full)
      try session.flush(name)
      try session.appendBatch(name, records: 20, size: session.random.below(900))
      try session.appendBatch(name, records: 3, size: 1)
      try session.flush(name)
      try session.appendBatch(name, records: 2, size: 4_000)
    }
  }

  static let producers = Scenario("producers", "idempotent producers, across rolls and restarts") {
    session in
    try session.create()
    for (name, durability) in [("d", Durability.disk), ("m", .memory), ("a", asyncClass)] {
      try session.createStream(name, durability, rollAfter: 12)
      for round in 0..<6 {
        try session.appendStamped(name, producer: 7)
        try session.appendStamped(name, producer: 8, records: 3)
        if round % 2 == 0 { try session.appendStamped(name, producer: 9, newEpoch: round == 4) }
        if round % 3 == 1 { try session.flush(name) }
        try session.resendAll(name)
      }
    }
    try session.restart(inOrder: session.random.oneIn(2))
    for name in ["d", "m", "a"] {
      try session.resendAll(name)
      try session.appendStamped(name, producer: 7)
      try session.appendStamped(name, producer: 8)
      try session.flush(name)
    }
  }

  static let reservations = Scenario("reservations", "reservations filled and given up") {
    session in
    try session.create()
    for (name, durability) in [("d", Durability.disk), ("m", .memory), ("a", asyncClass)] {
      try session.createStream(name, durability)
      try session.reserve(name, size: 50)
      try session.reserve(name, size: 70, abandoning: true)
      try session.append(name, 2)
      try session.flush(name)
      try session.reserve(name, size: 0)
      try session.reserve(name, size: 600, abandoning: true)
      try session.reserve(name, size: 2_000)
      try session.flush(name)
      try session.reserve(name, size: 10, abandoning: true)
    }
  }

  static let rolls = Scenario("rolls", "a disk stream through several segments") { session in
    try session.create()
    try session.createStream("d", .disk)
    for round in 0..<14 {
      try session.append("d", 4, size: 2_500 + session.random.below(500))
      if round % 3 == 1 { try session.append("d", 1, size: 64, acknowledged: true) }
      if round % 5 == 4 { try session.appendBatch("d", records: 9, size: 300) }
    }
    try session.flush("d")
    try session.checkAll()
    try session.append("d", 1)
  }

  static let mappedRolls = Scenario("mapped-rolls", "mapped streams through several segments") {
    session in
    try session.create()
    for (name, durability) in [("m", Durability.memory), ("a", asyncClass)] {
      try session.createStream(name, durability)
      for round in 0..<12 {
        try session.append(name, 4, size: 2_500 + session.random.below(500))
        if round == 3 { try session.flush(name) }
        if round % 5 == 4 { try session.appendBatch(name, records: 9, size: 300) }
      }
      try session.append(name, 1, acknowledged: true)
    }
    try session.checkAll()
  }

  static let removal = Scenario("removal", "old segments are removed and their files recycled") {
    session in
    try session.create()
    try session.createStream("d", .disk, rollAfter: 10)
    try session.createStream("a", asyncClass, rollAfter: 10)
    for round in 0..<5 {
      for name in ["d", "a"] {
        try session.appendStamped(name, producer: 3)
        try session.append(name, 14, size: 120)
        try session.flush(name)
        try session.remove(name, before: UInt64(round) * 13)
      }
      try session.append("d", 3, size: 120)
    }
    try session.resendAll("d")
    try session.checkAll()
  }

  static let evidence = Scenario(
    "evidence", "heads are stated, as before signatures, between appends, removals and restarts"
  ) { session in
    try session.create()
    for (name, durability) in [("d", Durability.disk), ("m", .memory)] {
      try session.createStream(name, durability, rollAfter: 40, evidence: .tree)
    }
    for round in 0..<4 {
      for name in ["d", "m"] {
        try session.append(name, 20, size: session.random.below(60))
        try session.appendBatch(name, records: 30, size: 20)
      }
      try session.stateHeads()
      try session.append("m", 2)
      try session.remove("d", before: UInt64(round) * 45)
      if round == 1 { try session.restart(inOrder: session.random.oneIn(2)) }
      try session.remove("m", before: UInt64(round) * 30)
    }
    try session.stateHeads()
    try session.append("d", 1, acknowledged: true)
    try session.checkAll()
  }

  static let reopenings = Scenario("reopenings", "closing, killing and opening again") { session in
    try session.create()
    for (name, durability) in [("d", Durability.disk), ("m", .memory), ("a", asyncClass)] {
      try session.createStream(name, durability)
    }
    for round in 0..<4 {
      for name in ["d", "m", "a"] {
        try session.append(name, 3, size: 200)
        if round % 2 == 0 { try session.append(name, 1, acknowledged: true) }
        try session.append(name, 2)
      }
      try session.restart(inOrder: session.random.oneIn(2))
    }
    try session.append("d", 1, acknowledged: true)
  }

  static let manifestRotation = Scenario(
    "manifest-rotation", "so many manifest edits that its segment is replaced"
  ) { session in
    try session.create()
    try session.createStream("d", .disk, rollAfter: 3)
    for round in 0..<30 {
      try session.append("d", 3, size: 40)
      if round % 4 == 0 { try session.flush("d") }
      if round % 9 == 8 { try session.remove("d", before: UInt64(round) * 2) }
      if round == 20 { try session.restart(inOrder: false) }
    }
    try session.flush("d")
    try session.createStream("late", .memory)
    try session.append("late", 3)
  }

  static let twoStreams = Scenario("two-streams", "two streams take turns") { session in
    try session.create()
    try session.createStream("x", .disk, rollAfter: 9)
    try session.createStream("y", asyncClass, rollAfter: 7)
    for round in 0..<10 {
      try session.append("x", 2, size: session.random.below(1_500))
      try session.append("y", 2, size: session.random.below(1_500))
      if round % 2 == 0 { try session.flush("x") }
      if round % 3 == 0 { try session.flush("y") }
      try session.append("x", 1)
    }
  }
}

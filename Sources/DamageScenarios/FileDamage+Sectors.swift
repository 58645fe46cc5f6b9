internal import CommitLog
internal import LogFormat
internal import SimulatedIO

extension FileDamageRun {
  // MARK: Sectors

  /// Sectors of segments that were lost, exchanged, written elsewhere, or went back to zeros.
  func sectors(_ tally: inout Tally) throws(ScenarioError) {
    for victim in victims {
      let damage = Endurance.Damage(streams: [victim.stream])
      for size in [512, 4_096] {
        for _ in 0..<max(1, settings.sectorCount / 24) {
          let last = max(1, victim.end / size)
          let (from, to) = (random.below(last) * size, random.below(last) * size)
          try attempt("sector lost", "\(victim.path), \(size) at \(from)", damage, &tally) {
            try $0.fill(victim.path, at: from, count: min(size, victim.byteCount - from), with: 0)
          }
          try attempt(
            "sectors exchanged", "\(victim.path), \(size) at \(from) and \(to)", damage, &tally
          ) { disk in
            var bytes = try disk.readFile(victim.path)
            let taken = Array(bytes[from..<from + size])
            bytes.replaceSubrange(from..<from + size, with: bytes[to..<to + size])
            bytes.replaceSubrange(to..<to + size, with: taken)
            try disk.replaceFile(victim.path, with: bytes)
          }
          try attempt(
            "sector misdirected", "\(victim.path), \(size) from \(to) at \(from)", damage, &tally
          ) { disk in
            var bytes = try disk.readFile(victim.path)
            bytes.replaceSubrange(from..<from + size, with: bytes[to..<to + size])
            try disk.replaceFile(victim.path, with: bytes)
          }
        }
      }
      // Everything from a place on: the last sectors of a file that was closed in order.
      for count in [512, 4_096, 12_288] where victim.end - count > 16_384 {
        try attempt("end lost", "\(victim.path), \(count) bytes", damage, &tally) {
          try $0.fill(victim.path, at: victim.end - count, count: count, with: 0)
        }
      }
      try attempt("preamble lost", victim.path, damage, &tally) {
        try $0.fill(victim.path, at: 0, count: 16_384, with: 0)
      }
      // At its full size, as some file systems leave what they could not write back.
      try attempt("wholly zero", victim.path, damage, &tally) {
        try $0.fill(victim.path, at: 0, count: victim.byteCount, with: 0)
      }
      try attempt("zero to its middle", victim.path, damage, &tally) {
        try $0.fill(victim.path, at: 0, count: (16_384 + victim.end) / 2, with: 0)
      }
      try attempt("zero from its middle, without slots", victim.path, damage, &tally) { disk in
        try disk.fill(victim.path, at: 4_096, count: 8_192, with: 0)
        let middle = (16_384 + victim.end) / 2
        try disk.fill(victim.path, at: middle, count: victim.byteCount - middle, with: 0)
      }
    }
  }

  // MARK: The root

  /// The superblock, the manifest and its mirror, and the lock: damaged alone, nothing is lost.
  func roots(_ tally: inout Tally) throws(ScenarioError) {
    let superblock = "\(Machine.path)/SUPER"
    let meta = machine.disk.paths.filter { $0.hasPrefix("\(Machine.path)/meta/") }
    let whole = Endurance.Damage()
    let refusable = Endurance.Damage(mayRefuse: true)
    for path in meta + [superblock] {
      try attempt("root missing", path, whole, &tally) { try $0.removeFile(path) }
      try attempt("root empty", path, whole, &tally) { try $0.replaceFile(path, with: []) }
      try attempt("root cut", path, whole, &tally) { try $0.truncate(path, to: 5_000) }
      for (name, special) in Self.specials {
        try attempt("root replaced by a \(name)", path, refusable, &tally) {
          try $0.placeSpecialFile(special, at: path)
        }
      }
      let size = try step("size") { try machine.disk.readFile(path).count }
      for position in stride(from: 0, to: size, by: 4_096) {
        try attempt("root sector lost", "\(path) at \(position)", whole, &tally) {
          try $0.fill(path, at: position, count: min(4_096, size - position), with: 0)
        }
      }
    }
    let lock = "\(Machine.path)/LOCK"
    try attempt("lock missing", lock, refusable, &tally) { try $0.removeFile(lock) }
    try attempt("lock empty", lock, whole, &tally) { try $0.replaceFile(lock, with: []) }
    for directory in ["s", "meta", "spare", "q"] {
      let path = "\(Machine.path)/\(directory)"
      let damage = Endurance.Damage(streams: Set(map.records.keys), mayRefuse: true)
      let copy = machine.copy()
      try step("removing \(path)") { try copy.disk.removeFile(path) }
      do throws(OpenError) {
        _ = try copy.openReader()
        tally.note("directory missing", damage.mayRefuse ? nil : path)
      } catch {
        let isNamed = error.description.contains(path)
        tally.note("directory missing", isNamed ? nil : "\(path): \(error)")
      }
    }
    try bothManifests(meta, &tally)
  }

  /// The manifest and its mirror damaged in different places read as one; in the same place they are a
  /// clear error.
  private func bothManifests(_ meta: [String], _ tally: inout Tally) throws(ScenarioError) {
    guard meta.count == 2 else {
      return tally.note("both manifests", "not a manifest and its mirror: \(meta)")
    }
    try attempt("both manifests", "different frames", Endurance.Damage(), &tally) { disk in
      try disk.flipBit(meta[0], byte: 16_384 + 40, bit: 1)
      try disk.fill(meta[0], at: 0, count: 4_096, with: 0)
      try disk.fill(meta[1], at: 12_288, count: 4_096, with: 0)
    }
    try attempt("both manifests", "same frame", Endurance.Damage(mayRefuse: true), &tally) { disk in
      try disk.flipBit(meta[0], byte: 16_384 + 40, bit: 1)
      try disk.flipBit(meta[1], byte: 16_384 + 40, bit: 2)
    }
    try attempt("both manifests", "missing", Endurance.Damage(mayRefuse: true), &tally) { disk in
      for path in meta { try disk.removeFile(path) }
    }
  }
}

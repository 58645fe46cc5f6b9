internal import AuditVerification

extension SealCoverage {
  /// What the seals came to, in phrases.
  var phrases: [String] {
    var parts = ["\(Count.grouped(verifiedCount)) of \(Count.grouped(sealCount)) seals hold"]
    if let epochs {
      parts.append(
        epochs.lowerBound == epochs.upperBound
          ? "epoch \(epochs.lowerBound)" : "epochs \(epochs.lowerBound) to \(epochs.upperBound)")
      parts.append(
        missingEpochCount == 0
          ? "none missing" : "\(Count.text(missingEpochCount, "epoch")) without a seal")
    }
    if coveredOffset > 0 {
      parts.append("statements 0 to \(coveredOffset - 1) and what they are of are covered")
    }
    if let lastTime { parts.append("the last at \(MomentText.text(nanoseconds: lastTime))") }
    return parts
  }
}

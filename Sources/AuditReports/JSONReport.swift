public import AuditVerification
internal import Integrity

/// An audit as a JSON document on one line; `audit-report-1.schema.json` describes it.
///
/// Members are sorted by name and are always there; what does not apply is `null`. A later program may add
/// members; one that means something else under an old name has another `schemaVersion`.
public struct JSONReport {
  /// Which schema the document follows.
  public static let schemaVersion: UInt64 = 1

  /// The document, with a line feed at its end.
  public let bytes: [UInt8]

  /// Makes the document of a report.
  ///
  /// - Parameters:
  ///   - report: What the audit came to.
  ///   - tool: What the report says it was made by.
  public init(_ report: AuditReport, by tool: ReportTool) {
    let document = SortedJSON.object([
      "schemaVersion": .number(Self.schemaVersion),
      "tool": .object(["name": .text(tool.name), "version": .text(tool.version)]),
      "verdict": .text(report.verdict.rawValue),
      "path": .text(report.path),
      "storeId": .text(report.storeID),
      "streams": .array(report.streams.map(Self.stream)),
      "checkpoints": .array(report.checkpoints.map(Self.checkpoint)),
      "seals": report.seals.map(Self.seals) ?? .null,
      "events": .array(report.events.map(Self.event)),
      "findings": .array(report.findings.map(Self.finding)),
      "unchecked": .array(report.unchecked.map(Self.unchecked)),
    ])
    bytes = document.document
  }

  private static func stream(_ stream: StreamCoverage) -> SortedJSON {
    .object([
      "streamId": .number(stream.streamID), "name": .text(stream.name),
      "evidence": .text(EvidenceText.word(stream.coverage)),
      "firstOffset": .number(stream.firstOffset), "nextOffset": .number(stream.nextOffset),
      "evidencedOffset": .number(stream.evidencedOffset),
      "resumedOffset": .number(stream.resumedOffset), "records": .number(stream.recordCount),
      "groups": .number(stream.groupCount), "segments": .number(stream.segmentCount),
      "bytes": .number(stream.byteCount), "head": .text(stream.head), "root": .text(stream.root),
    ])
  }

  private static func checkpoint(_ checkpoint: CheckpointResult) -> SortedJSON {
    let witnesses = checkpoint.witnesses.map { witness in
      SortedJSON.object([
        "name": .text(witness.name), "time": .text(MomentText.text(seconds: witness.time)),
      ])
    }
    return .object([
      "path": .text(checkpoint.path), "origin": .text(checkpoint.origin),
      "size": .number(checkpoint.size), "root": .text(checkpoint.root),
      "signers": .array(checkpoint.signers.map { .text($0) }), "witnesses": .array(witnesses),
      "quorum": .flag(checkpoint.isQuorum), "confirmed": .flag(checkpoint.isConfirmed),
    ])
  }

  /// What the seals came to, for other formats too.
  static func seals(_ seals: SealCoverage) -> SortedJSON {
    .object([
      "count": .number(seals.sealCount), "verified": .number(seals.verifiedCount),
      "firstEpoch": .number(seals.epochs?.lowerBound),
      "lastEpoch": .number(seals.epochs?.upperBound),
      "missingEpochs": .number(seals.missingEpochCount),
      "firstOffset": .number(0), "nextOffset": .number(seals.coveredOffset),
      "lastTime": .text(seals.lastTime.map { MomentText.text(nanoseconds: $0) }),
    ])
  }

  private static func event(_ event: StatedEvent) -> SortedJSON {
    .object([
      "kind": .text(event.kind), "statementOffset": .number(event.statementOffset),
      "streamId": .number(event.streamID), "streamName": .text(event.streamName),
      "firstOffset": .number(event.offsets.lowerBound),
      "nextOffset": .number(event.offsets.upperBound),
      "time": .text(MomentText.text(nanoseconds: event.time)), "cause": .text(event.cause),
      "reason": .text(event.reason),
    ])
  }

  private static func finding(_ finding: Finding) -> SortedJSON {
    let place = finding.place
    return .object([
      "rule": .text(finding.rule.rawValue), "severity": .text(finding.severity.rawValue),
      "origin": .text(finding.origin.rawValue), "message": .text(finding.message),
      "place": .object([
        "streamId": .number(place.streamID), "streamName": .text(place.streamName),
        "firstOffset": .number(place.offsets?.lowerBound),
        "nextOffset": .number(place.offsets?.upperBound), "file": .text(place.file),
        "position": .number(place.position), "byteCount": .number(place.byteCount),
        "bit": .number(place.bit.map { UInt64(clamping: $0) }),
      ]),
    ])
  }

  private static func unchecked(_ item: Unchecked) -> SortedJSON {
    .object([
      "subject": .text(item.subject.rawValue), "reason": .text(item.reason),
      "streamName": .text(item.streamName), "askedFor": .flag(item.wasAskedFor),
    ])
  }
}

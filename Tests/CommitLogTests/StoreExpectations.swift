import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import CommitLog

extension Machine {
  /// The machine as a crash leaves it.
  func crashed(_ plan: CrashPlan) -> Machine {
    var other = self
    other.disk = disk.crashImage(plan)
    return other
  }

  /// What the manifest on the disk says of the only stream.
  func storedStream() throws -> ManifestState.Stream {
    let reader = try StoreReader.open(at: "/data/s", options: options, environment: environment)
    return try #require(reader.manifest.streams.values.first)
  }

  /// Where files of the stream lie.
  func paths(_ segments: [ManifestEdit.SegmentDefinition]) throws -> [String] {
    let directory = try StoreReader.open(
      at: "/data/s", options: options, environment: environment
    ).directory
    return segments.map {
      directory.segmentPath(streamID: $0.streamID, segmentID: $0.segmentID)
    }
  }

  /// Where the stream's segments lie, by the manifest, oldest first.
  func segmentPaths() throws -> [String] { try paths(storedStream().segments.map(\.definition)) }
}

/// Expects that a verification of the whole store finds nothing, and that nothing lies around.
func expectSound(_ machine: Machine, sourceLocation: SourceLocation = #_sourceLocation) throws {
  let report = try StoreVerification.run(
    at: "/data/s", options: machine.options, environment: machine.environment)
  #expect(
    report.findings.isEmpty, "\(report.findings.map(\.description))",
    sourceLocation: sourceLocation)
  #expect(report.notes.isEmpty, "\(report.notes)", sourceLocation: sourceLocation)
}

/// Expects that every file the manifest names has the size that it says.
func expectCapacities(_ machine: Machine, sourceLocation: SourceLocation = #_sourceLocation) throws
{
  let stream = try machine.storedStream()
  let segments = stream.segments.map(\.definition) + stream.prepared
  for (segment, path) in zip(segments, try machine.paths(segments)) {
    let byteCount = try machine.disk.readFile(path).count
    #expect(UInt64(byteCount) == segment.capacity, sourceLocation: sourceLocation)
  }
}

/// A stream of a store that was opened again; expects that nothing in it was found damaged or cut.
func opened(
  _ store: Store, _ name: String = "s", sourceLocation: SourceLocation = #_sourceLocation
) throws -> StreamLog {
  let log = try store.stream(StreamName(name))
  #expect(log.recovery.damaged.isEmpty, sourceLocation: sourceLocation)
  #expect(log.recovery.undecidableByteCount == 0, sourceLocation: sourceLocation)
  return log
}

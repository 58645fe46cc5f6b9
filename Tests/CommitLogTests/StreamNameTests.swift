import CommitLog
import LogFormat
import Testing

@Suite struct StreamNameTests {
  @Test func `names that look alike but differ in their bytes are different streams`() throws {
    let machine = Machine()
    try machine.create()
    let names = ["gr\u{f6}\u{df}e", "gro\u{308}\u{df}e", "GR\u{d6}\u{df}E", "a", "A", "\u{430}"]
    do {
      let store = try machine.open()
      for name in names {
        let log = try store.createStream(StreamName(name))
        try log.append(Array(name.utf8))
        try log.flush()
      }
      store.close()
    }
    let store = try machine.open()
    // Besides the stream of statements.
    #expect(store.streamNames.count == names.count + 1)
    for name in names {
      let log = try store.stream(StreamName(name))
      var reader = try log.makeReader()
      #expect(try reader.records(max: 10).map(\.value) == [Array(name.utf8)])
    }
    store.close()
    #expect(try StreamName(names[0]) != StreamName(names[1]))
    #expect(Set(try names.map { try StreamName($0) }).count == names.count)
  }

  @Test func `streams that the engine keeps for itself are read and not opened for writing`() throws
  {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    defer { store.close() }
    try store.createStream(StreamName("piperoll")).append([1])
    _ = try store.stateHeads()
    for text in ["piperoll.evidence", "piperoll.other"] {
      let name = try StreamName(text)
      #expect(name.isReserved)
      for open in [
        { try store.createStream(name) }, { try store.stream(name) },
        { try store.streamCreatingIfNeeded(name) },
      ] as [() throws -> StreamLog] {
        #expect {
          _ = try open()
        } throws: {
          if case .reservedStreamName(text)? = $0 as? OpenError { true } else { false }
        }
      }
    }
    #expect(store.streamNames == ["piperoll", "piperoll.evidence"])
    let reader = try StoreReader.open(
      at: "/data/s", options: machine.options, environment: machine.environment)
    var records = try reader.makeReader(of: StreamName("piperoll.evidence"))
    #expect(try records.next() != nil)
  }
}

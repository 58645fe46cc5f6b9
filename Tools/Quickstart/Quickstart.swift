import CommitLog
@preconcurrency import Glibc
import LogFormat
import Quantities

/// The two halves of `Tools/quickstart`: one process that appends until it is killed, and one that
/// opens the store again and counts.
///
///     quickstart write DIRECTORY      prints the number of each record once it is acknowledged
///     quickstart check DIRECTORY N    shows that records 0 to N are there
@main
enum Quickstart {
  static func main() throws {
    setvbuf(stdout, nil, _IOLBF, 0)
    let arguments = CommandLine.arguments.dropFirst()
    switch (arguments.first, arguments.count) {
    case ("write", 2): try write(arguments[2])
    case ("check", 3): try check(arguments[2], last: UInt64(arguments[3]) ?? .max)
    default:
      fputs("usage: quickstart write DIRECTORY | check DIRECTORY N\n", stderr)
      exit(2)
    }
  }

  private static func write(_ path: String) throws {
    try Store.create(at: path)
    let store = try Store.open(at: path)
    let orders = try store.createStream(StreamName("orders"))
    while true {
      let number = orders.logEndOffset.rawValue
      let offset = try orders.append(Array("order \(number)".utf8))
      // From here on the record survives a power cut, and may be told to others.
      try orders.waitUntilDurable(offset)
      print(offset.rawValue)
    }
  }

  private static func check(_ path: String, last: UInt64) throws {
    let store = try Store.open(at: path)
    let orders = try store.stream(StreamName("orders"))
    let report = orders.recovery
    print("closed in order:     \(report.wasClean)")
    print("opened again in:     \(Double(report.nanoseconds) / 1e6) ms")
    print("damaged places:      \(report.damaged.count)")
    var reader = try orders.makeReader(from: .earliest)
    var sound: UInt64 = 0
    _ = try reader.read { record in
      if record.copyValue() == Array("order \(record.offset.rawValue)".utf8) { sound += 1 }
    }
    store.close()
    print("last acknowledged:   \(last)")
    print("records read back:   \(sound)")
    guard sound > last else {
      fputs("records that were acknowledged are missing\n", stderr)
      exit(1)
    }
    print("every acknowledged record is there")
  }
}

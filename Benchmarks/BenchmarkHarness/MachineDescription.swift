import Glibc

/// Where figures come from.
struct MachineDescription {
  let facts: [(name: String, value: String)]

  /// Describes this machine, the file system of the measured directory, and what else is given.
  init(device: BlockDevice, libraries: String) {
    facts = [
      ("Processor", Self.processorModel), ("Cores", "\(sysconf(Int32(_SC_NPROCESSORS_ONLN)))"),
      ("Memory", Self.memory), ("Kernel", Self.kernel), ("File system", device.fileSystem),
      ("Libraries", libraries), ("Date", Self.date),
    ]
  }

  private static var processorModel: String {
    let text = SystemFiles.text(at: "/proc/cpuinfo") ?? ""
    var fields: [String: String] = [:]
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let name = trimmed(line[..<colon])
      if fields[name] == nil { fields[name] = trimmed(line[line.index(after: colon)...]) }
    }
    let model = fields["model name"] ?? "unknown"
    guard let family = fields["cpu family"], let number = fields["model"] else { return model }
    return "\(model) (family \(family), model \(number))"
  }

  private static var memory: String {
    let byteCount = Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE)))
    return Figures.fixed(byteCount / Double(1 << 30), decimals: 1) + " GiB"
  }

  private static var kernel: String {
    let release = SystemFiles.text(at: "/proc/sys/kernel/osrelease") ?? "unknown"
    return "Linux " + trimmed(release[...])
  }

  private static var date: String {
    var now = time(nil)
    var parts = unsafe tm()
    // Safety: both are valid, exclusive places during the call.
    _ = unsafe gmtime_r(&now, &parts)
    let fields = unsafe [
      parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
    ].map { $0 < 10 ? "0\($0)" : "\($0)" }
    return "\(fields[0])-\(fields[1])-\(fields[2]) \(fields[3]):\(fields[4]) UTC"
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}

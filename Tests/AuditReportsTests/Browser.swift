import Foundation
import Testing

/// Chromium without a window, for tests that need to know what a reader sees.
struct Browser {
  /// Where the package of Debian has it; `nil`, said, when it is not installed.
  static let program: String? = {
    let path = "/usr/bin/chromium"
    if FileManager.default.isExecutableFile(atPath: path) { return path }
    print("skipped: no chromium; Tools/lib/packages has its package in the group 'browser'")
    return nil
  }()

  /// What came of opening a page.
  struct Visit {
    /// The document after it was laid out.
    let dom: String
    /// What the browser said: its own log with the console of the page in it.
    let log: String
    /// What the browser asked the network for, apart from the page itself.
    let requests: [String]
  }

  private let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "piperoll-browser-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  /// Removes what the browser left.
  func close() { try? FileManager.default.removeItem(atPath: folder) }

  /// Opens a page and waits until it is laid out.
  func open(_ page: [UInt8]) throws -> Visit {
    let file = try write(page)
    let net = folder + "/net.json"
    let (dom, log) = try run(["--dump-dom", "--log-net-log=\(net)", file])
    return Visit(dom: dom, log: log, requests: try Self.requests(in: net))
  }

  /// Opens a page that ends with a script, whose value as JSON is the result.
  ///
  /// The page's own policy, which forbids scripts, is taken out for that.
  func value<Value: Decodable>(
    of script: String, in page: [UInt8], width: Int = 1_000, as type: Value.Type = Value.self
  ) throws -> Value {
    var html = String(decoding: page, as: UTF8.self)
    html = html.replacing(/<meta http-equiv="Content-Security-Policy"[^>]*>/, with: "")
    let end = try #require(html.firstRange(of: "</body>"))
    html.replaceSubrange(
      end,
      with: """
        <script>
        const value = (() => { \(script) })();
        const text = JSON.stringify(value);
        document.body.innerHTML = "";
        document.body.dataset.value = btoa(unescape(encodeURIComponent(text)));
        </script></body>
        """)
    let (dom, _) = try run(
      ["--dump-dom", "--window-size=\(width),1000", try write(Array(html.utf8))])
    let match = try #require(
      dom.firstMatch(of: /data-value=.([A-Za-z0-9+\/=]*)/), "\(dom.prefix(500))")
    let json = try #require(Data(base64Encoded: String(match.output.1)))
    return try JSONDecoder().decode(type, from: json)
  }

  /// Makes a picture of a page.
  func picture(of page: [UInt8], at path: String, width: Int, height: Int) throws {
    _ = try run(["--screenshot=\(path)", "--window-size=\(width),\(height)", try write(page)])
  }

  private func write(_ page: [UInt8]) throws -> String {
    let file = URL(fileURLWithPath: folder + "/page.html")
    try Data(page).write(to: file)
    return file.absoluteString
  }

  /// The page as PDF, as it is printed.
  func printed(_ page: [UInt8]) throws -> [UInt8] {
    let pdf = folder + "/page.pdf"
    _ = try run(["--print-to-pdf=\(pdf)", "--no-pdf-header-footer", try write(page)])
    return Array(try Data(contentsOf: URL(fileURLWithPath: pdf)))
  }

  private func run(_ arguments: [String]) throws -> (output: String, log: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Self.program))
    process.arguments =
      [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        // Neither the page nor the browser itself gets anywhere.
        "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
        "--user-data-dir=\(folder)/profile", "--hide-scrollbars",
      ] + arguments
    let files = ["out", "err"].map { folder + "/" + $0 }
    for file in files { try Data().write(to: URL(fileURLWithPath: file)) }
    process.standardOutput = FileHandle(forWritingAtPath: files[0])
    process.standardError = FileHandle(forWritingAtPath: files[1])
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    let texts = try files.map {
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: $0)), as: UTF8.self)
    }
    return (texts[0], texts[1])
  }

  /// Addresses that were asked for on behalf of files; the browser's own errands are not the page's.
  private static func requests(in path: String) throws -> [String] {
    let value = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
    let log = try #require(value as? [String: Any])
    let events = try #require(log["events"] as? [[String: Any]])
    return events.compactMap { event in
      guard let parameters = event["params"] as? [String: Any],
        (parameters["network_isolation_key"] as? String)?.hasPrefix("file://") == true
      else { return nil }
      return parameters["url"] as? String
    }
  }
}

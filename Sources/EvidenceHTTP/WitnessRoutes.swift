internal import EvidenceFiles
internal import Integrity

/// What a witness answers to a request over HTTP (C2SP tlog-witness): which path is whose.
struct WitnessRoutes: Sendable {
  /// What is sent back.
  struct Answer: Hashable, Sendable {
    let status: Int
    var contentType = "text/plain; charset=utf-8"
    /// The methods that are allowed, where another was tried.
    var allow: String?
    var body: [UInt8] = []
  }

  /// A request; `body` is `nil` when it is over the limit.
  struct Request {
    let method: String
    let path: String
    let body: [UInt8]?
  }

  private let service: WitnessService
  /// Empty, or with a slash in front and none behind.
  let prefix: String

  init(_ service: WitnessService, prefix: String) {
    self.service = service
    let parts = prefix.split(separator: "/")
    self.prefix = parts.map { "/\($0)" }.joined()
  }

  func answer(to request: Request) -> Answer {
    guard let rest = Self.rest(of: request.path, behind: prefix) else { return Answer(status: 404) }
    if rest == "/add-checkpoint" {
      guard request.method == "POST" else { return Answer(status: 405, allow: "POST") }
      guard let body = request.body, body.count <= WitnessRequest.byteCountLimit else {
        return Answer(status: 413)
      }
      let answer = service.addCheckpoint(body)
      return Answer(
        status: answer.status, contentType: answer.contentType, body: answer.body)
    }
    let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].isEmpty, parts[2] == "checkpoint" else {
      return Answer(status: 404)
    }
    guard request.method == "GET" || request.method == "HEAD" else {
      return Answer(status: 405, allow: "GET, HEAD")
    }
    guard let checkpoint = service.latestCheckpoint(String(parts[1])) else {
      return Answer(status: 404)
    }
    return Answer(status: 200, body: checkpoint)
  }

  private static func rest(of path: String, behind prefix: String) -> String? {
    guard path.utf8.starts(with: prefix.utf8) else { return nil }
    return String(decoding: path.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
  }
}

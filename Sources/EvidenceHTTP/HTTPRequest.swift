internal import CCurl
internal import PlatformIO

/// One request and its answer; the calling thread waits.
struct HTTPRequest {
  /// Where to.
  let url: String
  /// What is posted; `nil` for a GET.
  var body: [UInt8]?
  /// How long everything may take, in milliseconds.
  let timeoutMilliseconds: UInt32
  /// Most bytes of the answer's body.
  let answerByteCountLimit: Int

  struct Answer {
    let status: Int
    let body: [UInt8]
  }

  func send() throws(TransportFailure) -> Answer {
    var buffer = [UInt8](repeating: 0, count: max(1, answerByteCountLimit))
    var answer = ccurl_answer()
    // 0 would be no limit at all.
    let total = min(max(1, timeoutMilliseconds), UInt32(Int32.max))
    let outcome: Int32
    if let body {
      // An empty array may have no address, which would stand for a GET.
      let bytes = body.isEmpty ? [0] : body
      // Safety: URL and body live through the call; the buffer has the room it is said to have.
      outcome = unsafe ccurl_request(
        url, bytes, body.count, total, total, &buffer, buffer.count, &answer)
    } else {
      // Safety: as above.
      outcome = unsafe ccurl_request(url, nil, 0, total, total, &buffer, buffer.count, &answer)
    }
    guard Int(outcome) == Int(CCURL_OK) else {
      throw TransportFailure(
        Self.kind(outcome, limit: buffer.count), detail: Self.message(answer))
    }
    return Answer(
      status: Int(answer.status), body: Array(buffer.prefix(answer.body_byte_count)))
  }

  private static func kind(_ outcome: Int32, limit: Int) -> TransportFailure.Kind {
    switch Int(outcome) {
    case Int(CCURL_URL): .url
    case Int(CCURL_RESOLVE): .unknownHost
    case Int(CCURL_CONNECT): .unreachable
    case Int(CCURL_TIMEOUT): .timeout
    case Int(CCURL_TLS): .encryption
    case Int(CCURL_TOO_LARGE): .tooLarge(limit: limit)
    case Int(CCURL_PROTOCOL): .notHTTP
    case Int(CCURL_OUT_OF_MEMORY): .outOfMemory
    default: .other
    }
  }

  private static func message(_ answer: ccurl_answer) -> String {
    var answer = answer
    // Safety: the text lies inside the structure, which lives through the closure.
    let bytes = unsafe withUnsafeBytes(of: &answer.message) { unsafe Array($0) }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}

/// Why no answer came over HTTP.
public struct TransportFailure: Error, Hashable, Sendable {
  /// What a program can act on.
  public enum Kind: Hashable, Sendable {
    /// Not a URL of HTTP or HTTPS.
    case url
    /// The name of the host is not known.
    case unknownHost
    /// Nobody listens there.
    case unreachable
    /// Not done within the time given.
    case timeout
    /// No TLS, or a certificate that does not verify.
    case encryption
    /// The answer is larger than any that makes sense.
    case tooLarge(limit: Int)
    /// The answer is not HTTP, or ends too early.
    case notHTTP
    /// There is no memory.
    case outOfMemory
    /// Anything else; the detail says what.
    case other
  }

  /// What a program can act on.
  public let kind: Kind
  /// The library's own words.
  public let detail: String

  init(_ kind: Kind, detail: String) { (self.kind, self.detail) = (kind, detail) }
}

extension TransportFailure: CustomStringConvertible {
  public var description: String {
    let advice =
      switch kind {
      case .url: "not a URL of http or https without a user's name; correct it"
      case .unknownHost: "no such host; correct the name, or look after the name server"
      case .unreachable: "nobody listens there; start the witness, or correct address and port"
      case .timeout: "no answer in time; try again later, or allow more time"
      case .encryption: "no TLS with a certificate that verifies; see to its chain and date"
      case .tooLarge(let limit): "the answer is over \(limit) bytes; this is no witness"
      case .notHTTP: "the answer is not HTTP, or ends too early; this is no witness"
      case .outOfMemory: "out of memory"
      case .other: "the request failed"
      }
    return detail.isEmpty ? advice : "\(advice) (\(escapedForTerminal(detail)))"
  }
}

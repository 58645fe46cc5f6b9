#if HTTP
  import Glibc
  import PlatformIO
  import Testing

  /// A server that answers each request with the next of some bytes, sensible or not.
  final class FakeWitness {
    /// What happens to a request.
    enum Move: Sendable {
      /// Answered with these bytes.
      case bytes([UInt8])
      /// Answered properly, with this status and body.
      case answer(Int, [UInt8])
      /// Answered with what comes of its body.
      case body(@Sendable ([UInt8]) -> [UInt8])
      /// Left without an answer until the server ends.
      case silence
    }

    private let listener: Int32
    private let thread: DedicatedThread
    private let requests: Requests
    let url: String

    private final class Requests: Sendable {
      let bodies = Guarded<[[UInt8]]>([])
    }

    /// Bodies of the requests so far.
    var bodies: [[UInt8]] { requests.bodies.withLock { $0 } }

    init(_ moves: [Move]) throws {
      let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      self.listener = listener
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let isBound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(listener, $0, size) == 0 && listen(listener, 16) == 0
            && getsockname(listener, $0, &size) == 0
        }
      }
      try #require(isBound)
      url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
      let requests = Requests()
      self.requests = requests
      thread = try DedicatedThread.start(name: "fake witness") {
        var open: [Int32] = []
        var moves = moves[...]
        while case let one = accept(listener, nil, nil), one >= 0 {
          open.append(one)
          guard let body = Self.readRequest(one) else { continue }
          requests.bodies.withLock { $0.append(body) }
          switch moves.popFirst() {
          case .bytes(let bytes): Self.send(bytes, one)
          case .answer(let status, let body): Self.send(Self.answer(status, body), one)
          case .body(let make): Self.send(Self.answer(200, make(body)), one)
          case .silence, nil: continue
          }
          shutdown(one, Int32(SHUT_WR))
        }
        for one in open { close(one) }
      }
    }

    deinit {
      shutdown(listener, Int32(SHUT_RDWR))
      thread.join()
      close(listener)
    }

    static func answer(_ status: Int, _ body: [UInt8]) -> [UInt8] {
      Array("HTTP/1.1 \(status) X\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body
    }

    private static func send(_ bytes: [UInt8], _ descriptor: Int32) {
      _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    private static func readRequest(_ descriptor: Int32) -> [UInt8]? {
      var bytes: [UInt8] = []
      while true {
        if let end = bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound {
          let head = String(decoding: bytes[..<end], as: UTF8.self).lowercased()
          let length = head.firstMatch(of: /content-length: ([0-9]+)/).flatMap { Int($0.1) } ?? 0
          if bytes.count >= end + length { return Array(bytes[end...]) }
        }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return nil }
        bytes += buffer.prefix(count)
      }
    }
  }
#endif

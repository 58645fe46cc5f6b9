internal import CMicroHTTPD
public import EvidenceFiles
internal import Integrity
internal import PlatformIO

/// A witness that answers over HTTP (C2SP tlog-witness): `POST <prefix>/add-checkpoint` and
/// `GET <prefix>/<hexadecimal SHA-256 of the origin>/checkpoint`.
///
/// It answers each request on threads of its own, one request a connection. What leaves is durable before:
/// that is the service's work. There is no TLS: put a server in front of it that has some before others
/// than this machine reach it. Methods may be called from any thread.
public final class WitnessServer: Sendable {
  /// How much a server takes upon itself.
  public struct Limits: Hashable, Sendable {
    /// Connections at a time; whoever comes then waits.
    public var connectionCount: UInt32 = 64
    /// Threads that answer.
    public var workerCount: UInt32 = 4
    /// How long a connection may live, from its first byte to the last of its answer.
    public var connectionMilliseconds: UInt32 = 10_000

    /// The usual limits.
    public init() {}
  }

  /// Where it listens, with the port that the system chose.
  public let address: ListenAddress
  /// The prefix of all paths: empty, or with a slash in front and none behind.
  public let prefix: String

  // Safety: whoever takes it out of the lock around it ends it, once; the context is released behind the
  // last call of the handler.
  @safe private struct Running: @unchecked Sendable {
    let server: OpaquePointer
    let context: Unmanaged<Context>

    func end() {
      unsafe cmicrohttpd_stop(server)
      unsafe context.release()
    }
  }

  private let running: Guarded<Running?>

  /// Carries the routes through a C pointer.
  private final class Context: Sendable {
    let routes: WitnessRoutes
    init(_ routes: WitnessRoutes) { self.routes = routes }
  }

  /// Starts to answer.
  ///
  /// - Parameters:
  ///   - service: The witness.
  ///   - address: Where to listen; this machine alone unless another address is asked for.
  ///   - prefix: What stands in front of all paths, as `/witness`.
  ///   - limits: How much the server takes upon itself.
  /// - Throws: ``WitnessServerError``.
  public init(
    _ service: WitnessService, at address: ListenAddress = .loopback(), prefix: String = "",
    limits: Limits = Limits()
  ) throws(WitnessServerError) {
    let routes = WitnessRoutes(service, prefix: prefix)
    let bounds = cmicrohttpd_limits(
      worker_count: max(1, limits.workerCount),
      connection_count_limit: max(max(1, limits.workerCount), limits.connectionCount),
      connection_milliseconds: max(1, limits.connectionMilliseconds),
      body_byte_count_limit: UInt32(WitnessRequest.byteCountLimit))
    // Safety: retained here, and released when the server has stopped or did not start.
    let context = unsafe Unmanaged.passRetained(Context(routes))
    var error: Int32 = 0
    // Safety: the host lives through the call; the context lives as long as the server.
    let server = unsafe cmicrohttpd_start(
      address.host, address.port, bounds,
      { context, request, answer in
        guard let context = unsafe context, let request = unsafe request,
          let answer = unsafe answer
        else { return }
        let routes = unsafe Unmanaged<Context>.fromOpaque(context).takeUnretainedValue().routes
        unsafe WitnessServer.send(routes.answer(to: WitnessServer.read(request.pointee)), answer)
      }, context.toOpaque(), &error)
    guard let server = unsafe server else {
      unsafe context.release()
      throw WitnessServerError(address: address, errorNumber: error)
    }
    self.address = unsafe ListenAddress(host: address.host, port: cmicrohttpd_port(server))
    self.prefix = routes.prefix
    unsafe running = Guarded(Running(server: server, context: context))
  }

  deinit { stop() }

  /// The base URL, to which the paths of requests are added.
  public var url: String { "http://\(address)\(prefix)" }

  /// Takes no more requests, waits for the answers to those that had come in full, and ends; at once when
  /// it has ended before.
  public func stop() {
    running.withLock { running in
      running?.end()
      running = nil
    }
  }

  /// Copies a request.
  private static func read(_ request: cmicrohttpd_request) -> WitnessRoutes.Request {
    // Safety: the library's texts end with a zero byte, and the body has the count it is said to have;
    // all live until the handler returns.
    let body = unsafe request.body.map { start in
      unsafe Array(UnsafeBufferPointer(start: start, count: request.body_byte_count))
    }
    return unsafe WitnessRoutes.Request(
      method: String(cString: request.method), path: String(cString: request.path), body: body)
  }

  private static func send(_ answer: WitnessRoutes.Answer, _ target: OpaquePointer) {
    // Safety: texts and body live through the calls, which copy them. Without memory no answer is set, and
    // the connection is closed.
    _ = unsafe cmicrohttpd_send(
      target, Int32(answer.status), answer.contentType, answer.allow, answer.body,
      answer.body.count)
  }
}

/// Why a server did not start.
public struct WitnessServerError: Error, Hashable, Sendable {
  /// Where it was to listen.
  public let address: ListenAddress
  /// The system's error number.
  public let errorNumber: Int32
}

extension WitnessServerError: CustomStringConvertible {
  public var description: String {
    let advice =
      switch errorNumber {
      case 98: "another program listens there; end it, or choose another port"
      case 99: "the machine has no such address; 'ip address' lists those it has"
      case 13: "ports below 1024 are not for everybody; choose a higher one"
      case 22: "not a numeric address; write 127.0.0.1, or ::1"
      case 24: "out of file descriptors; raise the limit (ulimit -n)"
      default: "system error \(errorNumber)"
      }
    return "cannot listen at \(escapedForTerminal("\(address)")): \(advice)"
  }
}

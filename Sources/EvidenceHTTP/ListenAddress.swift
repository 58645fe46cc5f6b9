/// Where a server listens: a numeric address and a port.
public struct ListenAddress: Hashable, Sendable {
  /// An address of IPv4, `127.0.0.1`, or of IPv6, `::1`; no name.
  public let host: String
  /// The port; 0 lets the system choose.
  public let port: UInt16

  /// An address; whether there is such a thing is found out when it is used.
  public init(host: String, port: UInt16) {
    (self.host, self.port) = (host, port)
  }

  /// The machine's own address, which no other machine reaches.
  public static func loopback(port: UInt16 = 0) -> ListenAddress {
    ListenAddress(host: "127.0.0.1", port: port)
  }

  /// Reads `127.0.0.1:7448` or `[::1]:7448`; `nil` for other texts, names of hosts among them.
  public init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else { return nil }
    let digits = bytes[(colon + 1)...]
    guard (1...5).contains(digits.count), digits.allSatisfy(Self.isDigit),
      let port = UInt16(String(decoding: digits, as: UTF8.self))
    else { return nil }
    let host = bytes[..<colon]
    if host.first == UInt8(ascii: "[") {
      let inside = host.dropFirst().dropLast()
      guard host.last == UInt8(ascii: "]"), inside.contains(UInt8(ascii: ":")),
        inside.allSatisfy({ Self.isHexadecimal($0) || ":.".utf8.contains($0) })
      else { return nil }
      self.init(host: String(decoding: inside, as: UTF8.self), port: port)
    } else {
      let parts = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      guard parts.count == 4, parts.allSatisfy(Self.isOctet) else { return nil }
      self.init(host: String(decoding: host, as: UTF8.self), port: port)
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
  }

  private static func isOctet(_ text: ArraySlice<UInt8>) -> Bool {
    (1...3).contains(text.count) && text.allSatisfy(isDigit)
      && UInt8(String(decoding: text, as: UTF8.self)) != nil
  }
}

extension ListenAddress: CustomStringConvertible {
  /// The form that ``init(_:)`` reads.
  public var description: String {
    host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}

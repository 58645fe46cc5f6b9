#if HTTP
  import EvidenceHTTP
  import Testing

  @Suite struct ListenAddressTests {
    @Test func `addresses are read and written alike`() throws {
      for text in ["127.0.0.1:7448", "0.0.0.0:0", "[::1]:65535", "[2001:db8::1]:80"] {
        #expect(try #require(ListenAddress(text)).description == text)
      }
      #expect(ListenAddress("[::1]:80")?.host == "::1")
      #expect(ListenAddress.loopback().description == "127.0.0.1:0")
    }

    @Test(arguments: [
      "", ":", "7448", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1",
      "256.0.0.1:1", "1.2.3:1", "1.2.3.4.5:1", "localhost:80", "::1:80", "[]:80", "[::1:80",
      "::1]:80", "[127.0.0.1]:80", "[::1]", "[::g]:1", " 127.0.0.1:1", "127.0.0.1:1 ", "1..2.3:1",
    ])
    func `what is no numeric address and port is none`(_ text: String) {
      #expect(ListenAddress(text) == nil)
    }
  }
#endif

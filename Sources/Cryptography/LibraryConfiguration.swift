internal import COpenSSL

/// How libcrypto starts.
public enum LibraryConfiguration {
  /// Starts libcrypto without the configuration file of the machine, so that it works the same on every
  /// machine and needs no file.
  ///
  /// Has an effect only before libcrypto is used: a program calls it first.
  public static func startWithout() {
    _ = OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG), nil)
  }
}

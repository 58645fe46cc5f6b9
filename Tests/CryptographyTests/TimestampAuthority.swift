import Cryptography
import Foundation

/// A timestamp authority for tests: the command `openssl` with certificates made for the run, in a folder
/// that is removed at the end.
final class TimestampAuthority: Sendable {
  struct Failure: Error { let command: String }

  let folder: String
  /// The root that a verifier trusts, in PEM form.
  let root: [UInt8]
  /// A root that has nothing to do with the authority.
  let otherRoot: [UInt8]

  init() throws {
    folder = NSTemporaryDirectory() + "piperoll-authority-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    (root, otherRoot) = try Self.makeCertificates(in: folder)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private static func makeCertificates(in folder: String) throws -> ([UInt8], [UInt8]) {
    try write(
      """
      [tsa]
      serial = \(folder)/serial
      crypto_device = builtin
      default_policy = 1.2.3.4.1
      other_policies = 1.2.3.4.5.70
      digests = sha256
      signer_digest = sha256
      accuracy = secs:1, millisecs:500, microsecs:100
      clock_precision_digits = 3
      tsa_name = yes
      """, "ts.cnf", folder)
    try write("01\n", "serial", folder)
    try write(
      "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n", "tsa.ext",
      folder)
    try write(
      "extendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature\n", "web.ext", folder)
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name in ["root", "other"] {
      try run(
        ["req", "-x509"] + key
          + ["-keyout", "\(name).key", "-out", "\(name).pem", "-days", "3650"]
          + ["-subj", "/CN=\(name)"], in: folder)
    }
    for name in ["tsa", "web"] {
      try run(
        ["req"] + key
          + ["-keyout", "\(name).key", "-out", "\(name).csr", "-subj", "/C=CH/O=Test/CN=\(name)"],
        in: folder)
      try run(
        ["x509", "-req", "-in", "\(name).csr", "-CA", "root.pem", "-CAkey", "root.key"]
          + ["-CAcreateserial", "-days", "3650", "-extfile", "\(name).ext", "-out", "\(name).pem"],
        in: folder)
    }
    return (try read("root.pem", folder), try read("other.pem", folder))
  }

  private static func write(_ text: String, _ name: String, _ folder: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
  }

  private static func read(_ name: String, _ folder: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
  }

  @discardableResult
  private static func run(_ arguments: [String], in folder: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(command: "openssl " + arguments.joined(separator: " "))
    }
    return String(decoding: text, as: UTF8.self)
  }

  // MARK: What it does

  private func file(_ bytes: [UInt8]) throws -> String {
    let name = UUID().uuidString
    try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    return name
  }

  /// Runs `openssl` on some bytes and gives what it wrote.
  private func result(_ arguments: [String], _ option: String, _ bytes: [UInt8]) throws -> [UInt8] {
    let (input, output) = (try file(bytes), UUID().uuidString)
    try Self.run(arguments + [option, input, "-out", output], in: folder)
    return try Self.read(output, folder)
  }

  /// The request that `openssl ts -query` makes.
  func query(_ imprint: Digest, _ options: [String]) throws -> [UInt8] {
    let output = UUID().uuidString
    try Self.run(
      ["ts", "-query", "-sha256", "-digest", "\(imprint)", "-out", output] + options, in: folder)
    return try Self.read(output, folder)
  }

  /// The response of `openssl ts -reply`.
  func reply(_ request: [UInt8]) throws -> [UInt8] {
    try result(
      ["ts", "-reply", "-config", "ts.cnf", "-section", "tsa", "-signer", "tsa.pem"]
        + ["-inkey", "tsa.key"], "-queryfile", request)
  }

  /// Whether `openssl ts -verify` accepts a response.
  func accepts(_ response: [UInt8], _ request: [UInt8]) throws -> Bool {
    let (response, request) = (try file(response), try file(request))
    return
      (try? Self.run(
        ["ts", "-verify", "-queryfile", request, "-in", response, "-CAfile", "root.pem"], in: folder
      ))
      != nil
  }

  /// What `openssl ts -reply -text` says of a response.
  func text(_ response: [UInt8]) throws -> String {
    try Self.run(["ts", "-reply", "-text", "-in", file(response)], in: folder)
  }

  /// The content of a response, signed by a certificate that is not for timestamps.
  func signedByOther(_ response: [UInt8]) throws -> [UInt8] {
    let token = try result(["ts", "-reply", "-token_out"], "-in", response)
    let content = try result(["cms", "-verify", "-inform", "DER", "-noverify"], "-in", token)
    let forged = try result(
      ["cms", "-sign", "-nodetach", "-binary", "-cades", "-md", "sha256", "-outform", "DER"]
        + ["-econtent_type", "id-smime-ct-TSTInfo", "-signer", "web.pem", "-inkey", "web.key"],
      "-in", content)
    let body: [UInt8] = [0x30, 0x03, 0x02, 0x01, 0x00] + forged
    return [0x30, 0x82, UInt8(body.count >> 8), UInt8(body.count & 0xff)] + body
  }
}

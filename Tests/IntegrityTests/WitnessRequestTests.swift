import ByteCoding
import Cryptography
import Integrity
import Testing

@Suite struct WitnessRequestTests {
  @Test func `requests are read and written alike, and others are refused`() throws {
    let root = Base64.text(Digest().bytes)
    let note = "example.com/log\n3\n\(root)\n\n— example.com/log AAAAAAAA\n"
    let good = "old 2\n\(root)\n\n\(note)"
    let request = try WitnessRequest(Array(good.utf8))
    #expect(request.encoded == Array(good.utf8))
    #expect(request.oldSize == 2 && request.path.count == 1)
    let many = String(repeating: "\(root)\n", count: WitnessRequest.pathCountLimit)
    #expect(try WitnessRequest(Array("old 2\n\(many)\n\(note)".utf8)).path.count == 63)
    for text in [
      "", "old", "old 2", "old 2\n", "old 2\n\n", "old -1\n\n\(note)", "old 02\n\n\(note)",
      "new 2\n\n\(note)", "old 2\r\n\r\n\(note)", "old 9223372036854775808\n\n\(note)",
      "old 2\n\(root.dropLast())\n\n\(note)", "old 2\n\(root)AAAA\n\n\(note)", "old 2\n\(note)",
      "old 2\n\(many)\(root)\n\n\(note)",
    ] {
      #expect(throws: NoteError.self, "\(text)") { try WitnessRequest(Array(text.utf8)) }
    }
    let long = [UInt8](repeating: 0x61, count: WitnessRequest.byteCountLimit + 1)
    #expect(throws: NoteError.note(.tooLarge)) { try WitnessRequest(long) }
  }
}

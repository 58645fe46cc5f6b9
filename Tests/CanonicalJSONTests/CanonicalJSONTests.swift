import CanonicalJSON
import TestSupport
import Testing

@Suite struct CanonicalJSONTests {
  private func canonical(_ text: String) throws -> String {
    String(decoding: try CanonicalJSON.canonicalized(Array(text.utf8)), as: UTF8.self)
  }

  @Test(
    .enabled(if: Vectors.areThere),
    arguments: ["arrays", "french", "structures", "unicode", "values", "weird"])
  func `documents of other implementations`(_ name: String) throws {
    let folder = "rfc8785-jcs/testdata"
    let made = try CanonicalJSON.canonicalized(try Vectors.bytes("\(folder)/input/\(name).json"))
    #expect(made == (try Vectors.bytes("\(folder)/output/\(name).json")))
    #expect(try CanonicalJSON.canonicalized(made) == made)
  }

  /// RFC 8785, appendix B.
  @Test(
    arguments: [
      (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"),
      (0x0000_0000_0000_0001, "5e-324"), (0x8000_0000_0000_0001, "-5e-324"),
      (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
      (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
      (0x4340_0000_0000_0000, "9007199254740992"), (0xc340_0000_0000_0000, "-9007199254740992"),
      (0x4430_0000_0000_0000, "295147905179352830000"),
      (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"), (0x44b5_2d02_c7e1_4af6, "1e+23"),
      (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
      (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
      (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"), (0x444b_1ae4_d6e2_ef50, "1e+21"),
      (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"), (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
      (0x41b3_de43_5555_5553, "333333333.3333332"), (0x41b3_de43_5555_5554, "333333333.33333325"),
      (0x41b3_de43_5555_5555, "333333333.3333333"), (0x41b3_de43_5555_5556, "333333333.3333334"),
      (0x41b3_de43_5555_5557, "333333333.33333343"),
      (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
      (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] as [(UInt64, String)])
  func `numbers are written as ECMAScript writes them`(_ bits: UInt64, _ text: String) {
    #expect(CanonicalJSON.text(of: Double(bitPattern: bits)) == text)
  }

  @Test func `numbers of no value have no text`() {
    #expect(CanonicalJSON.text(of: .nan) == nil && CanonicalJSON.text(of: .infinity) == nil)
  }

  @Test func `members are sorted by code units and texts escaped as little as may be`() throws {
    #expect(
      try canonical(#" { "\ufb33" : 1 , "\ud83d\ude00":2,"a":[ ],"":{ } } "#)
        == "{\"\":{},\"a\":[],\"\u{1f600}\":2,\"\u{fb33}\":1}")
    #expect(try canonical(#""\u0000\u001f\/\u20ac\b""#) == "\"\\u0000\\u001f/\u{20ac}\\b\"")
    #expect(try canonical("[1.0, -0, 1E2, true ,null]") == "[1,0,100,true,null]")
  }

  @Test(arguments: [
    ("", "no JSON"), ("{", "no JSON"), ("[1,]", "no JSON"), ("01", "no JSON"), ("1.", "no JSON"),
    ("\"\u{1}\"", "no JSON"), ("\"\\x\"", "no JSON"), ("tru", "no JSON"), ("1 2", "no JSON"),
    (#"{"a":1,"\u0061":2}"#, "already"), (#""\ud800""#, "surrogate"),
    (#""\udc00\ud800""#, "surrogate"),
    (#""\ud800\u0041""#, "surrogate"), ("1e400", "no double"), ("+1", "no JSON"),
  ])
  func `what has no canonical form is refused`(_ text: String, _ reason: String) {
    let problem = #expect(throws: CanonicalJSON.Problem.self) { _ = try canonical(text) }
    #expect(problem?.description.contains(reason) ?? false, "\(String(describing: problem))")
  }

  @Test func `bytes that are no text, and depth, are refused`() throws {
    #expect(throws: CanonicalJSON.Problem.self) {
      _ = try CanonicalJSON.canonicalized([0x22, 0xff, 0x22])
    }
    let deep = [UInt8](repeating: 0x5b, count: 100_000)
    let problem = #expect(throws: CanonicalJSON.Problem.self) {
      _ = try CanonicalJSON.canonicalized(deep)
    }
    #expect(problem?.kind == .depth)
  }
}

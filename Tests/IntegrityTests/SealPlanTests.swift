import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct SealPlanTests {
  private let schedule: SealSchedule
  private let key = SealKey(SecretKey(from: { 0x0102_0304_0506_0708 }))

  init() throws {
    schedule = try #require(
      SealSchedule(startSeconds: 1_770_000_000, epochSeconds: 900, graceSeconds: 60))
  }

  private var writers: SealPlan { SealPlan(schedule: schedule) }
  private var verifiers: SealPlan { SealPlan(schedule: schedule, key: key) }

  @Test func `a plan is written as its documentation says`() {
    let text = "piperoll-seal v1\nstart 1770000000\nepoch 900\ngrace 60\n"
    #expect(writers.text == text)
    #expect(verifiers.text.hasPrefix(text + "key 0807060504030201"))
    #expect(verifiers.text.utf8.count == text.utf8.count + 4 + 64 + 1)
    #expect(verifiers.text.utf8.count <= SealPlan.byteCountLimit)
  }

  @Test func `a plan that was written is read again`() throws {
    let read = try #require(SealPlan(writers.text))
    #expect(read.schedule == schedule && read.key == nil)
    let secret = try #require(SealPlan(verifiers.text))
    #expect(secret.schedule == schedule)
    let seal = key.seal(HashChain(), of: Digest(), at: 0)
    #expect(secret.key?.isValid(seal) == true)
    let early = try #require(
      SealSchedule(startSeconds: -5, epochSeconds: .max, graceSeconds: 0))
    #expect(SealPlan(SealPlan(schedule: early).text)?.schedule == early)
  }

  @Test func `what is not exactly a plan is none`() {
    for text in [writers.text, verifiers.text] {
      // Without its last line the verifier's plan is that of the writer.
      for count in 0..<text.count where count != writers.text.count {
        #expect(SealPlan(String(text.prefix(count))) == nil, "\(count)")
      }
      for other in [text + "\n", "\n" + text, text + "x", " " + text, text + text] {
        #expect(SealPlan(other) == nil)
      }
    }
    let text = verifiers.text
    for (old, new) in [
      ("v1", "v2"), ("start", "begin"), ("epoch 900", "epoch 0"), ("epoch 900", "epoch -1"),
      ("epoch 900", "epoch 4294967296"), ("grace 60", "grace x"), ("key 08", "key 0"),
      ("key 08", "key 0g"), ("key 08", "key 0808"),
      ("start 1770000000", "start 9223372036854775808"),
    ] {
      guard let range = text.firstRange(of: old) else {
        Issue.record("\(old) is not in the text")
        continue
      }
      var changed = text
      changed.replaceSubrange(range, with: new)
      #expect(SealPlan(changed) == nil, "\(new)")
    }
  }

  @Test func `no description of a plan shows its key`() {
    let shown = "\(verifiers) \(String(reflecting: verifiers))"
    #expect(!shown.contains("0807060504030201") && shown.contains("epoch"))
  }
}

/// Whose signatures make a checkpoint worth believing (C2SP tlog-policy): logs, witnesses, groups of
/// witnesses, and one quorum.
public struct WitnessPolicy: Hashable, Sendable {
  /// Most logs, witnesses and groups, of each.
  public static let countLimit = 256
  /// Largest policy that is read, in bytes.
  public static let byteCountLimit = 1 << 20

  /// A log whose checkpoints count.
  public struct Log: Hashable, Sendable {
    /// The log's key.
    public let key: NoteVerifierKey
    /// Where it is, if the policy says so.
    public let url: String?
  }

  /// A witness whose cosignatures count.
  public struct Witness: Hashable, Sendable {
    /// The witness's key.
    public let key: NoteVerifierKey
    /// Where it is asked, if the policy says so.
    public let url: String?
  }

  /// Logs, in order.
  public private(set) var logs: [Log] = []
  /// Witnesses, in order.
  public private(set) var witnesses: [Witness] = []

  /// Keys of all witnesses.
  public var witnessKeys: [NoteVerifierKey] { witnesses.map(\.key) }

  private enum Member: Hashable, Sendable {
    case witness(Int)
    case group(threshold: Int, members: [[UInt8]])
  }

  private var members: [[UInt8]: Member] = [:]
  private var grouped: Set<[UInt8]> = []
  /// The name of the quorum; `nil` inside for `none`.
  private var quorum: [UInt8]??

  /// Reads a policy.
  ///
  /// - Throws: ``NoteError/policy(line:_:)``.
  public init(_ bytes: [UInt8]) throws(NoteError) {
    guard bytes.count <= Self.byteCountLimit else { throw .policy(line: 0, .tooLarge) }
    var number = 0
    for line in bytes.split(separator: 0x0a, omittingEmptySubsequences: false) {
      number += 1
      let words = line.split { $0 == 0x20 || $0 == 0x09 }.map { Array($0) }
      guard let first = words.first, first.first != 0x23 else { continue }
      do throws(NoteError) { try take(first, Array(words.dropFirst())) } catch {
        switch error {
        case .policy(_, let problem): throw .policy(line: number, problem)
        case .key(let problem): throw .policy(line: number, .key(problem))
        default: throw error
        }
      }
    }
    guard quorum != nil else { throw .policy(line: number, .quorum) }
  }

  private mutating func take(_ keyword: [UInt8], _ words: [[UInt8]]) throws(NoteError) {
    switch String(decoding: keyword, as: UTF8.self) {
    case "log":
      guard words.count == 1 || words.count == 2 else { throw .policy(line: 0, .form) }
      guard logs.count < Self.countLimit else { throw .policy(line: 0, .tooLarge) }
      logs.append(
        Log(key: try Self.key(words[0]), url: words.count == 2 ? Self.text(words[1]) : nil))
    case "witness":
      guard words.count == 2 || words.count == 3 else { throw .policy(line: 0, .form) }
      let key = try Self.key(words[1])
      guard key.kind != .ed25519 else { throw .key(.unknownKind(key.kind.rawValue)) }
      // One key, one witness, whatever it is called: nobody counts twice.
      guard !witnesses.contains(where: { $0.key.publicKey == key.publicKey }) else {
        throw .policy(line: 0, .name)
      }
      try define(words[0], .witness(witnesses.count))
      witnesses.append(Witness(key: key, url: words.count == 3 ? Self.text(words[2]) : nil))
    case "group": try takeGroup(words)
    case "quorum":
      guard words.count == 1 else { throw .policy(line: 0, .form) }
      guard quorum == nil else { throw .policy(line: 0, .quorum) }
      if words[0] == Array("none".utf8) {
        quorum = .some(nil)
      } else {
        guard members[words[0]] != nil else { throw .policy(line: 0, .name) }
        quorum = words[0]
      }
    default: throw .policy(line: 0, .form)
    }
  }

  private mutating func takeGroup(_ words: [[UInt8]]) throws(NoteError) {
    guard words.count >= 3 else { throw .policy(line: 0, .form) }
    let names = Array(words.dropFirst(2))
    for name in names {
      // Each member once, in one group, so that no witness counts twice.
      guard members[name] != nil, grouped.insert(name).inserted else {
        throw .policy(line: 0, .name)
      }
    }
    let threshold: Int
    switch String(decoding: words[1], as: UTF8.self) {
    case "any": threshold = 1
    case "all": threshold = names.count
    default:
      guard let number = Checkpoint.number(words[1]), number >= 1, number <= names.count else {
        throw .policy(line: 0, .threshold)
      }
      threshold = Int(number)
    }
    try define(words[0], .group(threshold: threshold, members: names))
  }

  private mutating func define(_ name: [UInt8], _ member: Member) throws(NoteError) {
    guard name != Array("none".utf8), members[name] == nil else { throw .policy(line: 0, .name) }
    guard members.count < 2 * Self.countLimit else { throw .policy(line: 0, .tooLarge) }
    members[name] = member
  }

  private static func key(_ word: [UInt8]) throws(NoteError) -> NoteVerifierKey {
    try NoteVerifierKey(text(word))
  }

  private static func text(_ word: [UInt8]) -> String { String(decoding: word, as: UTF8.self) }

  /// Whether the witnesses of the quorum have cosigned a checkpoint.
  ///
  /// - Throws: ``NoteError``: `.signature` when a known witness's line does not verify.
  public func isSatisfied(by note: SignedNote) throws(NoteError) -> Bool {
    guard let quorum, let quorum else { return true }
    let keys = witnessKeys
    let found = try Cosignature.verified(note, by: keys)
    let present = Set(
      keys.indices.filter { index in
        let key = keys[index]
        return found.contains { $0.name == key.name && $0.keyID == key.id }
      })
    return isPresent(quorum, present)
  }

  /// A group's members are defined before it, so this ends.
  private func isPresent(_ name: [UInt8], _ witnesses: Set<Int>) -> Bool {
    switch members[name] {
    case .witness(let index): witnesses.contains(index)
    case .group(let threshold, let names):
      names.count { isPresent($0, witnesses) } >= threshold
    case nil: false
    }
  }
}

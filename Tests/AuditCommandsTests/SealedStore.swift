import CommitLog
import Cryptography
import EvidenceFiles
import Foundation
import Integrity
import LogCheckpoints
import PlatformIO
import Quantities
import Testing

/// A store in a rig's folder that is signed and sealed, with what its verifier holds beside it.
struct SealedStore {
  static let origin = "example.com/log"
  let rig: AuditRig
  let store: AuditedStore
  let signer: NoteSignerKey

  init() throws {
    rig = try AuditRig()
    store = try AuditedStore(in: rig, recordCount: 600)
    signer = try NoteSignerKey(
      name: #require(KeyName(Self.origin)), seed: [UInt8](repeating: 3, count: 32))
  }

  /// Makes the key of seals, and the file `verifier` that verifies them.
  func makeSealKey() throws -> SealPlan {
    let now = SystemTime().now().rawValue / 1_000_000_000
    let schedule = try #require(
      SealSchedule(startSeconds: now, epochSeconds: 900, graceSeconds: 900))
    let key = SealKey(SecretKey(from: { 5 }))
    try SealKeyFile.create("seal", in: rig.folder, key: key)
    let plan = SealPlan(schedule: schedule, key: key)
    try writeSecret("verifier", plan.text)
    return plan
  }

  func writeSecret(_ name: String, _ text: String, mode: Int = 0o600) throws {
    try rig.write(name, Array(text.utf8))
    try FileManager.default.setAttributes(
      [.posixPermissions: mode], ofItemAtPath: rig.path(name))
  }

  func seal(_ plan: SealPlan) throws {
    let opened = try Store.open(at: store.path)
    defer { opened.close() }
    let file = try SealKeyFile(opening: "seal", in: rig.folder, schedule: plan.schedule)
    _ = try StoreSealer(opened, origin: Self.origin).seal(with: file, clock: SystemTime())
  }

  /// Signs the store, or stream `orders` of it, and keeps the checkpoint.
  func sign(_ name: String, isStream: Bool = false) throws {
    let opened = try Store.open(at: store.path)
    defer { opened.close() }
    let subject: Checkpointer.Subject =
      isStream ? .stream(try opened.stream(StreamName("orders"))) : .store
    let file = try CheckpointFile(opening: "last-\(isStream)", in: rig.folder)
    let note = try Checkpointer(
      opened, subject, origin: Self.origin, key: signer, file: file
    ).checkpoint()
    try rig.write(name, note.encoded)
  }

  /// The proof that the engine makes.
  func engineProof(of offset: UInt64, under name: String) throws -> [UInt8] {
    let reader = try StoreReader.open(at: store.path)
    return try RecordProver(StreamName("orders"), of: reader).proof(
      of: Offset(rawValue: offset), under: SignedNote(rig.read(name))
    ).encoded
  }
}

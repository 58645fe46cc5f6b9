import ByteCoding
import CommitLog
import Cryptography
import Foundation
import Integrity
import LogFormat

/// A store with evidence in a rig's folder.
struct AuditedStore {
  let path: String

  /// Makes a store with a stream `orders` that has a tree, and a stream `plain` that has nothing.
  init(in rig: AuditRig, name: String = "store", recordCount: Int = 3_000) throws {
    path = rig.path(name)
    try Store.create(at: path)
    try append(recordCount, isNew: true)
  }

  /// A store that is there.
  init(path: String) { self.path = path }

  /// Appends records and closes the store in order.
  func append(_ count: Int, isNew: Bool = false, isAdopted: Bool = false) throws {
    var opening = StoreOptions()
    opening.adoptsCopy = isAdopted
    let store = try Store.open(at: path, options: opening)
    defer { store.close() }
    var options = StreamOptions()
    options.evidence = .tree
    let orders =
      isNew
      ? try store.createStream(StreamName("orders"), options: options)
      : try store.stream(StreamName("orders"))
    if isNew {
      let plain = try store.createStream(StreamName("plain"))
      _ = try plain.append(Array("a record without evidence".utf8))
    }
    for index in 0..<count { _ = try orders.append(Array("order \(index), of \(count)".utf8)) }
  }

  /// The segment files of stream `orders`, sorted.
  func segments() throws -> [String] {
    let folder = path + "/s/0000000000000001"
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map {
      "\(folder)/\($0)"
    }
  }

  /// Flips a bit in the middle of the first text that is found in the stream's files.
  func flip(_ text: String) throws {
    for file in try segments() {
      var data = try Data(contentsOf: URL(fileURLWithPath: file))
      guard let place = data.firstRange(of: Data(text.utf8)) else { continue }
      data[place.lowerBound + 2] ^= 4
      return try data.write(to: URL(fileURLWithPath: file))
    }
    throw CocoaError(.fileNoSuchFile)
  }

  /// Copies the store as it is.
  func copy(to other: String) throws {
    try FileManager.default.copyItem(atPath: path, toPath: other)
  }
}

import Foundation

/// Conformance vectors of other projects, which are not part of the repository: in the folder that
/// `PIPEROLL_TEST_VECTORS` names, or in `shared/data/vectors` beside the checkout.
public enum Vectors {
  /// The folder; `nil`, said, when it is not there.
  public static let folder: String? = {
    let wanted = ProcessInfo.processInfo.environment["PIPEROLL_TEST_VECTORS"]
    let path = wanted ?? RepositoryFile("../shared/data/vectors").path
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      return path
    }
    print("skipped: no vectors at \(path); set PIPEROLL_TEST_VECTORS")
    return nil
  }()

  /// Whether they are there.
  public static var areThere: Bool { folder != nil }

  /// The bytes of a file.
  public static func bytes(_ name: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder ?? "")/\(name)")))
  }

  /// A JSON file, decoded.
  public static func json<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws
    -> Value
  {
    try JSONDecoder().decode(type, from: Data(bytes(name)))
  }

  /// The JSON files below a folder, by name, in order.
  public static func jsonNames(below name: String) -> [String] {
    let walk = FileManager.default.enumerator(atPath: "\(folder ?? "")/\(name)")
    let names = (walk?.allObjects as? [String] ?? []).filter { $0.hasSuffix(".json") }
    return names.sorted().map { "\(name)/\($0)" }
  }
}

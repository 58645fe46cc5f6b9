/// Why bytes of a store could not be taken for what they should be.
///
/// *Damaged*, *truncated* and *newer* are different errors because what follows differs: restore,
/// reopen, upgrade.
public enum FormatError: Error, Hashable, Sendable {
  /// The bytes end inside the structure.
  case truncated(Structure, needed: UInt64, available: UInt64)
  /// The bytes contradict themselves: a checksum, a bound, an order.
  case damaged(Structure, Detail)
  /// Written by a newer version: an unknown version, feature bit or kind that may not be ignored.
  case newer(Structure, Detail)
  /// Valid, but over a limit this program was told to keep.
  case overLimit(Structure, value: UInt64, limit: UInt64)

  /// Which structure of `FORMAT.md`.
  public enum Structure: String, Hashable, Sendable {
    case superblock, segmentHeader, recoverySlot, frame, soloRecord, batch, recordHeaders
    case commitFrame, indexFrame, integrityFrame, stateFrame, controlFrame, gapFrame
    case sealBlock, trailer, manifestEdit
  }

  /// What is wrong with it.
  public enum Detail: String, Hashable, Sendable {
    case magic = "the magic number is not ours"
    case checksum = "the checksum does not match"
    case headCheck = "the head check does not match"
    case version = "the format version is not known"
    case feature = "a feature bit is not known"
    case kind = "the kind is not known"
    case codec = "the codec is not known"
    case columns = "a column bit is not known or contradicts another"
    case length = "a length is out of bounds"
    case position = "a position is out of bounds or out of order"
    case order = "values that must ascend do not"
    case count = "a count is out of bounds"
    case offset = "an offset is out of bounds or out of order"
    case reserved = "reserved bytes are not zero"
    case identity = "it belongs to another segment, stream or store"
    case text = "text is not valid UTF-8"
    case empty = "nothing was written here"
  }
}

extension FormatError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .truncated(let structure, let needed, let available):
      "\(structure.rawValue) is truncated: \(needed) bytes needed, \(available) present"
    case .damaged(let structure, let detail):
      "\(structure.rawValue) is damaged: \(detail.rawValue)"
    case .newer(let structure, let detail):
      "\(structure.rawValue) was written by a newer version of Piperoll: \(detail.rawValue); "
        + "upgrade to read it"
    case .overLimit(let structure, let value, let limit):
      "\(structure.rawValue) of \(value) is over the limit of \(limit); raise the limit to read it"
    }
  }
}

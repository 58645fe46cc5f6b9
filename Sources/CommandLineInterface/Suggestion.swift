/// Finds the word somebody probably meant.
enum Suggestion {
  /// Words longer than this are not compared: the work grows with the square of the length.
  static let wordByteCountLimit = 64

  /// Returns the candidate at the smallest edit distance, or nil when none is near.
  ///
  /// Near means: at most a third of the longer word, at least one edit.
  static func nearest(to word: String, among candidates: [String]) -> String? {
    guard !word.isEmpty, word.utf8.count <= wordByteCountLimit else { return nil }
    var best: (word: String, distance: Int)?
    for candidate in candidates {
      let distance = distance(Array(word.utf8), Array(candidate.utf8))
      let limit = max(1, max(word.utf8.count, candidate.utf8.count) / 3)
      guard distance <= limit, distance < best?.distance ?? .max else { continue }
      best = (candidate, distance)
    }
    return best?.word
  }

  /// Returns the number of insertions, removals, replacements and swaps of neighbours that turn one
  /// word into the other (optimal string alignment).
  static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
    var beforePrevious = [Int](repeating: 0, count: right.count + 1)
    var previous = Array(0...right.count)
    var current = previous
    for row in 1...left.count {
      current[0] = row
      for column in 1...right.count {
        let replacement = previous[column - 1] + (left[row - 1] == right[column - 1] ? 0 : 1)
        current[column] = min(previous[column] + 1, current[column - 1] + 1, replacement)
        if row > 1, column > 1, left[row - 1] == right[column - 2],
          left[row - 2] == right[column - 1]
        {
          current[column] = min(current[column], beforePrevious[column - 2] + 1)
        }
      }
      (beforePrevious, previous, current) = (previous, current, beforePrevious)
    }
    return previous[right.count]
  }
}

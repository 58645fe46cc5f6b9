extension RandomAccessCollection {
  /// Where the elements that satisfy a condition end, by binary search.
  ///
  /// - Parameter holds: True for some first elements, in order, and for none behind them.
  /// - Returns: Index of the first element that does not satisfy it; `endIndex` when all do.
  @inlinable
  public func partitionPoint(where holds: (Element) -> Bool) -> Index {
    var low = startIndex
    var count = count
    while count > 0 {
      let half = count / 2
      let middle = index(low, offsetBy: half)
      if holds(self[middle]) {
        low = index(after: middle)
        count -= half + 1
      } else {
        count = half
      }
    }
    return low
  }
}

/// Columns of text, as wide as what stands in them.
public struct TextTable: Sendable {
  private var rows: [[String]]

  /// Begins a table with the names of its columns.
  public init(_ names: [String]) { rows = [names] }

  /// Adds a row of as many cells.
  public mutating func add(_ cells: [String]) { rows.append(cells) }

  /// The table, a line a row.
  public var text: String {
    var widths = [Int](repeating: 0, count: rows.map(\.count).max() ?? 0)
    for row in rows {
      for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.count) }
    }
    var text = ""
    for row in rows {
      var line = ""
      for (column, cell) in row.enumerated() {
        let isLast = column == row.count - 1
        line +=
          isLast ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 2)
      }
      text += line + "\n"
    }
    return text
  }
}

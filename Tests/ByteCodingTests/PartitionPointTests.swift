import ByteCoding
import Testing

@Suite struct PartitionPointTests {
  @Test func `the first element that does not satisfy a condition is found`() {
    for count in 0..<40 {
      let values = Array(0..<count)
      for bound in 0...count {
        #expect(values.partitionPoint { $0 < bound } == bound)
        #expect(values[...].dropFirst(3).partitionPoint { $0 < bound } == max(bound, min(3, count)))
      }
    }
  }
}

import ByteCoding
import LogFormat
import Quantities

/// Runs every decoder over bytes and checks what must hold whatever they are.
struct Decoder {
  /// Broken promises, by name.
  private(set) var failures: [String: Int] = [:]
  /// Structures read without an error.
  private(set) var acceptedCount = 0
  /// Structures refused with an error.
  private(set) var refusedCount = 0
  /// Bytes hashed or copied for the present input: the measure of work.
  private(set) var work = 0
  /// A hash over all record bytes, so that every byte of them is touched.
  private(set) var touched: UInt64 = 0
  let limits = FormatLimits()

  mutating func begin() { work = 0 }

  mutating func fail(_ name: String) { failures[name, default: 0] += 1 }

  private mutating func attempt(_ body: (inout Decoder) throws(FormatError) -> Void) {
    do throws(FormatError) {
      try body(&self)
      acceptedCount += 1
    } catch {
      refusedCount += 1
    }
  }

  private mutating func touch(_ bytes: RawSpan) {
    touched ^= FrameChecksum.content(bytes)
    work += bytes.byteCount
  }

  // MARK: Segments

  /// Walks a segment; behind the first frame that is not intact it looks for others.
  ///
  /// - Parameter original: When given, the bytes before they were mutated: a frame that is found
  ///   intact must be the frame that stood there.
  mutating func segment(_ bytes: RawSpan, salt: UInt64, original: RawSpan?) {
    let reader = FrameReader(bytes, salt: salt, limits: limits)
    var position = UInt64(SegmentLayout.preambleByteCount)
    var isScanning = false
    while position < UInt64(bytes.byteCount) {
      do throws(FormatError) {
        let frame = try reader.frame(at: position, verifying: true)
        work += frame.bytes.byteCount
        if let original { compare(frame, with: original) }
        if frame.end <= position { fail("a frame without a length") }
        decode(frame, salt: salt)
        position = max(frame.end, position + 8)
      } catch {
        refusedCount += 1
        isScanning = true
        position += 8
      }
    }
    if !isScanning && position < UInt64(bytes.byteCount) { fail("a walk that stopped early") }
    // Without checksums, as a reader does that trusts the writer of its own process.
    for index in 0..<8 {
      let place = UInt64(SegmentLayout.preambleByteCount + 8 * index * 37)
      do throws(FormatError) {
        let frame = try reader.frame(at: place, verifying: false)
        decode(frame, salt: salt)
      } catch { refusedCount += 1 }
    }
    if work > 40 * bytes.byteCount + 65_536 { fail("more work than the input allows") }
  }

  private mutating func compare(_ frame: borrowing Frame, with original: RawSpan) {
    let covered =
      switch frame.head.kind {
      case .padding: FrameHead.byteCount
      case .gap: GapFrame.byteCount
      default: frame.bytes.byteCount
      }
    guard let before = original.bytes(at: Int(frame.position), count: covered),
      FrameChecksum.content(before)
        == FrameChecksum.content(frame.bytes.extracting(0..<covered))
    else { return fail("changed bytes that were taken for intact") }
  }

  mutating func decode(_ frame: borrowing Frame, salt: UInt64) {
    let position = frame.position
    switch frame.head.kind {
    case .soloRecord: solo(frame)
    case .batch: batch(frame, salt: salt)
    case .indexRows: indexRows(frame.bytes, at: position)
    case .state: state(frame.bytes, at: position)
    case .control: control(frame.bytes)
    case .gap: gap(frame.bytes)
    case .seal: seal(frame.bytes, at: position)
    case .commit: commit(frame.bytes, at: position)
    case .integrity: integrity(frame.bytes)
    case .padding, nil: acceptedCount += 1
    }
  }

  private mutating func solo(_ frame: borrowing Frame) {
    do throws(FormatError) {
      let view = try SoloRecord.view(frame.bytes, head: frame.head)
      touch(view)
      _ = try SoloRecord.producer(frame.bytes, head: frame.head)
      acceptedCount += 1
    } catch { refusedCount += 1 }
  }

  private mutating func batch(_ frame: borrowing Frame, salt: UInt64) {
    do throws(FormatError) {
      let view = try BatchView(
        frame.bytes, frameHead: frame.head, place: nil, limits: limits)
      _ = try view.producer
      if view.bodies.byteCount != view.head.bodyByteCount { fail("bodies of another size") }
      // Every record takes a byte of ends at least, so this is bounded by the frame.
      if view.count > frame.bytes.byteCount { fail("more records than bytes") }
      for index in 0..<view.count {
        do throws(FormatError) {
          touch(try view.record(at: index))
        } catch { refusedCount += 1 }
      }
      acceptedCount += 1
    } catch { refusedCount += 1 }
  }

  private mutating func touch(_ view: borrowing RecordView) {
    touch(view.value)
    if let key = view.key { touch(key) }
    if let type = view.type { touch(type) }
    if view.offset > .maximum { fail("an offset beyond the largest") }
    if view.valueByteCount < 0 { fail("a value of negative size") }
    let headers = view.headers
    guard headers.byteCount > 0 else { return }
    do throws(FormatError) {
      let entries = try RecordHeaders.decoded(headers)
      if try RecordHeaders.encoded(entries) != headers.copyBytes() { fail("headers not kept") }
      try RecordHeaders.validate(headers)
    } catch { refusedCount += 1 }
  }

  // MARK: Structures

  private mutating func indexRows(_ bytes: RawSpan, at position: UInt64) {
    do throws(FormatError) {
      let index = try IndexFrame(bytes, at: position)
      work += index.rows.count * 16
      if index.rows.contains(where: { $0.position >= position }) { fail("a row behind its frame") }
      acceptedCount += 1
    } catch { refusedCount += 1 }
  }

  private mutating func state(_ bytes: RawSpan, at position: UInt64) {
    do throws(FormatError) {
      let state = try StateFrame(bytes, at: position, limits: limits)
      work += state.producers.count * 104
      if state.producers.contains(where: { $0.ranges.isEmpty }) {
        fail("a producer without ranges")
      }
      acceptedCount += 1
    } catch { refusedCount += 1 }
  }

  private mutating func control(_ bytes: RawSpan) {
    attempt { _ throws(FormatError) in _ = try ControlFrame(bytes) }
  }

  private mutating func integrity(_ bytes: RawSpan) {
    do throws(FormatError) {
      let group = try IntegrityFrame(bytes)
      work += group.byteCount
      if group.byteCount != bytes.byteCount { fail("a group of another size") }
      acceptedCount += 1
    } catch { refusedCount += 1 }
  }

  private mutating func gap(_ bytes: RawSpan) {
    do throws(FormatError) {
      let gap = try GapFrame(bytes)
      if gap.firstOffset.advanced(by: UInt64(gap.count)) > .maximum { fail("a gap too far") }
      acceptedCount += 1
    } catch { refusedCount += 1 }
  }

  private mutating func commit(_ bytes: RawSpan, at position: UInt64) {
    do throws(FormatError) {
      let commit = try CommitFrame(bytes, at: position)
      if commit.durablePosition.rawValue > position { fail("a commit of the future") }
      acceptedCount += 1
    } catch { refusedCount += 1 }
  }

  mutating func seal(_ bytes: RawSpan, at position: UInt64) {
    do throws(FormatError) {
      let block = try SealBlock(bytes, at: position, limits: limits)
      work += block.rows.count * 16 + block.producers.count * 104
      acceptedCount += 1
    } catch { refusedCount += 1 }
    guard bytes.byteCount >= SealTrailer.byteCount else { return }
    trailer(bytes.extracting(last: SealTrailer.byteCount))
  }

  mutating func trailer(_ bytes: RawSpan) {
    do throws(FormatError) {
      let trailer = try SealTrailer(bytes)
      if trailer.blockPosition.rawValue % 8 != 0 { fail("a trailer to nowhere") }
      acceptedCount += 1
    } catch { refusedCount += 1 }
  }

  mutating func header(_ bytes: RawSpan, at position: UInt64) {
    work += bytes.byteCount
    do throws(FormatError) {
      let header = try SegmentHeader(bytes, at: position)
      let again = header.encoded(at: position)
      if try SegmentHeader(again.rawSpan, at: position) != header { fail("a header not kept") }
      acceptedCount += 1
    } catch { refusedCount += 1 }
  }

  mutating func slot(_ bytes: RawSpan, salt: UInt64, at position: UInt64) {
    do throws(FormatError) {
      let slot = try RecoverySlot(bytes, salt: salt, at: position)
      let again = slot.encoded(salt: salt, at: position)
      if try RecoverySlot(again.rawSpan, salt: salt, at: position) != slot {
        fail("a slot not kept")
      }
      acceptedCount += 1
    } catch { refusedCount += 1 }
  }

  mutating func superblock(_ bytes: RawSpan, at position: UInt64) {
    do throws(FormatError) {
      let block = try SuperBlock(bytes, at: position)
      let again = block.encoded(at: position)
      if try SuperBlock(again.rawSpan, at: position) != block { fail("a superblock not kept") }
      acceptedCount += 1
    } catch { refusedCount += 1 }
  }

  mutating func edit(_ bytes: RawSpan) {
    do throws(FormatError) {
      if let edit = try ManifestEdit.decoded(bytes), edit.encoded() != bytes.copyBytes() {
        fail("an edit not kept")
      }
      acceptedCount += 1
    } catch { refusedCount += 1 }
  }
}

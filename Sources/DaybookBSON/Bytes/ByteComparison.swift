#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Whether both ranges hold the same bytes. Most ranges are keys, which fit into two words.
@inline(__always)
package func haveSameBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    guard let a = left.baseAddress, let b = right.baseAddress else { return true }
    switch left.count {
    case 8...16: return haveSameWords(a, b, left.count, UInt64.self)
    case 4..<8: return haveSameWords(a, b, left.count, UInt32.self)
    case 2..<4: return haveSameWords(a, b, left.count, UInt16.self)
    default: return memcmp(a, b, left.count) == 0
    }
}

/// For ranges of one to two words: the last word may overlap the first.
@inline(__always)
private func haveSameWords<Word: FixedWidthInteger & BitwiseCopyable>(
    _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int, _: Word.Type
) -> Bool {
    let last = count - MemoryLayout<Word>.size
    return a.loadUnaligned(as: Word.self) == b.loadUnaligned(as: Word.self)
        && a.loadUnaligned(fromByteOffset: last, as: Word.self) == b.loadUnaligned(fromByteOffset: last, as: Word.self)
}

/// Whether `left` sorts before `right`, by unsigned bytes. A prefix sorts before a longer range.
func precedes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    let common = min(left.count, right.count)
    if common > 0, let a = left.baseAddress, let b = right.baseAddress {
        let order = memcmp(a, b, common)
        if order != 0 { return order < 0 }
    }
    return left.count < right.count
}

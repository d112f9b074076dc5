#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A growing byte buffer that BSON is written to.
///
/// It is like an array of bytes, but it has one owner, so an append need not check whether the storage is shared. It
/// also avoids the generic entry points of an array: writing a field is one check of the capacity, and the stores.
package struct ByteBuffer: ~Copyable {
    // This type alone allocates and frees the memory, and it cannot be copied. The first `count` of the `capacity`
    // bytes are initialized.
    private var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 64) {
        self.capacity = max(capacity, 16)
        base = Self.allocated(nil, self.capacity)
    }

    deinit { free(base) }

    /// Resizes `base`, or allocates new memory. The content is kept; where the kernel can move its pages, it is not
    /// even copied.
    private static func allocated(_ base: UnsafeMutableRawPointer?, _ capacity: Int) -> UnsafeMutableRawPointer {
        guard let allocated = realloc(base, capacity) else {
            preconditionFailure("There is no memory for \(capacity) bytes.")
        }
        return allocated
    }

    /// A copy of the bytes.
    var array: [UInt8] { withUnsafeBytes { Array($0) } }

    subscript(offset: Int) -> UInt8 {
        get {
            precondition(offset >= 0 && offset < count, "An offset lies inside the buffer.")
            return base.load(fromByteOffset: offset, as: UInt8.self)
        }
        set {
            precondition(offset >= 0 && offset < count, "An offset lies inside the buffer.")
            base.storeBytes(of: newValue, toByteOffset: offset, as: UInt8.self)
        }
    }

    /// Overwrites the four bytes at `offset`.
    @inline(__always)
    mutating func overwrite(_ value: Int32, at offset: Int) {
        precondition(offset >= 0 && offset + 4 <= count, "What is overwritten lies inside the buffer.")
        base.storeBytes(of: value, toByteOffset: offset, as: Int32.self)
    }

    /// Calls `body` with the bytes. They are valid until it returns.
    @inline(__always)
    func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Adds `length` bytes at the end, and returns where they begin. The caller must initialize them before it calls
    /// anything else.
    @inline(__always)
    mutating func extend(by length: Int) -> UnsafeMutableRawPointer {
        if capacity - count < length { grow(by: length) }
        let end = base + count
        count += length
        return end
    }

    @inline(never)
    private mutating func grow(by length: Int) {
        capacity = max(capacity * 2, count + length)
        base = Self.allocated(base, capacity)
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        extend(by: 1).storeBytes(of: byte, as: UInt8.self)
    }

    /// - Precondition: `bytes` are not this buffer's own.
    @inline(__always)
    mutating func append(contentsOf bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        extend(by: bytes.count).copyMemory(from: start, byteCount: bytes.count)
    }

    mutating func append(contentsOf bytes: some Collection<UInt8>) {
        let isContiguous: Void? = bytes.withContiguousStorageIfAvailable {
            append(contentsOf: UnsafeRawBufferPointer($0))
        }
        if isContiguous == nil { for byte in bytes { append(byte) } }
    }

    mutating func removeLast(_ length: Int) {
        precondition(length >= 0 && length <= count, "No more is removed than there is.")
        count -= length
    }

    /// Removes all bytes, and frees the memory beyond `keptCapacity`.
    mutating func removeAll(keepingAtMost keptCapacity: Int) {
        count = 0
        guard capacity > keptCapacity else { return }
        capacity = keptCapacity
        base = Self.allocated(base, capacity)
    }

    /// Replaces the bytes in `range` by `bytes`, which must not be this buffer's own, and moves the bytes after them.
    mutating func replace(_ range: Range<Int>, with bytes: [UInt8]) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "A range lies inside the buffer.")
        let tail = count - range.upperBound
        let difference = bytes.count - range.count
        if difference > 0 { _ = extend(by: difference) } else { count += difference }
        // There is room for the tail at its new place. The two places may overlap, which memmove allows.
        memmove(base + range.lowerBound + bytes.count, base + range.upperBound, tail)
        bytes.withUnsafeBytes {
            (base + range.lowerBound).copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(base), byteCount: $0.count)
        }
    }
}

// A value that cannot be copied has one owner, so nothing is shared.
extension ByteBuffer: @unchecked Sendable {}

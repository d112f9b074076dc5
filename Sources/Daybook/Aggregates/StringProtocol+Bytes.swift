internal import DaybookBSON

extension StringProtocol {
    /// Whether MongoDB calls both texts the same: it compares UTF-8 bytes, unlike Swift's `==`.
    package func hasSameBytes(as other: some StringProtocol) -> Bool {
        let isSame = utf8.withContiguousStorageIfAvailable { left in
            other.utf8.withContiguousStorageIfAvailable { right in
                haveSameBytes(UnsafeRawBufferPointer(left), UnsafeRawBufferPointer(right))
            }
        }.flatMap(\.self)
        return isSame ?? utf8.elementsEqual(other.utf8)
    }
}

extension String {
    /// Whether this text comes before `other` in MongoDB's order, which is that of the UTF-8 bytes.
    package func isBefore(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}

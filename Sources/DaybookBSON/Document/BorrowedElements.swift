/// A cursor over the elements of a ``BorrowedDocument``. Valid as long as the document. It allocates nothing.
///
/// ```swift
/// var elements = document.makeElements()
/// while let element = try elements.next() { ... }
/// ```
package struct BorrowedElements {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 4

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The key at the cursor's position, to name an element that ``next()`` refused; nil when it cannot be read.
    var keyHere: String? {
        guard offset + 1 < bytes.count, let end = bytes[(offset + 1)...].firstIndex(of: 0) else { return nil }
        return String(decoding: bytes[(offset + 1)..<end], as: UTF8.self)
    }

    /// The next element, or nil after the last.
    ///
    /// - Throws: ``BSONError/Code/corrupt`` when no element can begin here; the cursor then stays where it is.
    package mutating func next() throws(BSONError) -> BorrowedElement? {
        let limit = bytes.count - 1
        guard offset < limit else { return nil }
        let location = try ElementLocation(in: bytes, at: offset, limit: limit)
        offset = location.end
        return BorrowedElement(
            key: UnsafeRawBufferPointer(rebasing: bytes[location.key..<location.keyEnd]),
            borrowedValue: BorrowedValue(
                type: location.type,
                bytes: UnsafeRawBufferPointer(rebasing: bytes[location.value..<location.end])
            )
        )
    }
}

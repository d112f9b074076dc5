/// A document whose bytes another owner holds: a cursor's current reply, or an array inside a closure.
///
/// It is valid only as long as the owner states, usually until the closure that received it returns. Neither it nor its
/// elements and values may be kept beyond that. Copy them with ``BSONDocument/init(_:)`` or
/// ``BorrowedElement/value()``.
///
/// Only the length and the final NUL are known to be right. Everything else is checked as it is read, so hostile bytes
/// end in a ``BSONError``, and never in a read outside of them.
@usableFromInline
package struct BorrowedDocument {
    /// The whole document: length, elements, NUL.
    package let bytes: UnsafeRawBufferPointer

    /// Checks the length prefix and the final NUL of the document that fills `buffer`, and nothing else.
    ///
    /// - Throws: ``BSONError/Code/corrupt``.
    package init(validatingLengthOf buffer: UnsafeRawBufferPointer) throws(BSONError) {
        guard buffer.count >= 5 else { throw .truncated }
        let length = Int32(littleEndian: buffer.loadUnaligned(as: Int32.self))
        guard Int(length) == buffer.count else {
            throw BSONError(.corrupt, "A document's length prefix differs from its size.")
        }
        guard buffer[buffer.count - 1] == 0 else { throw .unterminated }
        bytes = buffer
    }

    /// Borrows the bytes of a ``BSONDocument``. Reads stay inside them even if they are not a document.
    @usableFromInline
    init(trusting buffer: UnsafeRawBufferPointer) {
        bytes = buffer
    }

    /// True when there are no fields.
    package var isEmpty: Bool { bytes.count <= 5 }

    /// A cursor over the elements, in order.
    package func makeElements() -> BorrowedElements {
        BorrowedElements(bytes)
    }

    /// The first element with this key; nil when there is none.
    package func first(_ key: String) throws(BSONError) -> BorrowedElement? {
        var elements = makeElements()
        while let element = try elements.next() {
            if element.hasKey(key) { return element }
        }
        return nil
    }

    /// The results of `transform` for each element, in order.
    package func map<R>(_ transform: (BorrowedElement) throws -> R) throws -> [R] {
        var results: [R] = []
        var elements = makeElements()
        while let element = try elements.next() { results.append(try transform(element)) }
        return results
    }
}

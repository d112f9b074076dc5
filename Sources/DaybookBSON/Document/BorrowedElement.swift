package import Foundation

/// One field of a ``BorrowedDocument``. Valid as long as the document.
///
/// The typed getters throw ``BSONError/Code/typeMismatch`` for another type, and ``BSONError/Code/corrupt`` for content
/// that is invalid for its type. Both errors name the key.
package struct BorrowedElement {
    /// The key's bytes, without the NUL; not checked to be UTF-8.
    package let key: UnsafeRawBufferPointer
    /// Type and bytes of the value.
    package let borrowedValue: BorrowedValue

    package var type: BSONType { borrowedValue.type }

    /// The value's bytes, without type and key.
    package var rawValue: UnsafeRawBufferPointer { borrowedValue.bytes }

    /// True when the key is `name`, byte for byte.
    @inline(__always)
    package func hasKey(_ name: StaticString) -> Bool {
        guard name.hasPointerRepresentation else { return hasKey(name.description) }
        return haveSameBytes(key, UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    /// True when the key is `name`, byte for byte.
    @_disfavoredOverload
    package func hasKey(_ name: String) -> Bool {
        var name = name
        return name.withUTF8 { haveSameBytes(key, UnsafeRawBufferPointer($0)) }
    }

    /// True when the value is the string `text`, byte for byte.
    package func hasText(_ text: String) -> Bool {
        let value = borrowedValue.bytes
        var text = text
        return text.withUTF8 { utf8 in
            // Length, bytes, NUL.
            type == .string && value.count == utf8.count + 5 && value[value.count - 1] == 0
                && haveSameBytes(
                    UnsafeRawBufferPointer(rebasing: value[4..<value.count - 1]), UnsafeRawBufferPointer(utf8))
        }
    }

    /// True when the value is this document, byte for byte.
    package func isDocument(_ document: BSONDocument) -> Bool {
        type == .document && document.withBorrowed { haveSameBytes($0.bytes, borrowedValue.bytes) }
    }

    /// The key.
    ///
    /// - Throws: ``BSONError/Code/corrupt`` when it is not UTF-8.
    package var keyString: String {
        get throws(BSONError) {
            guard let text = String(validating: key, as: UTF8.self) else { throw .invalidUTF8 }
            return text
        }
    }

    package func string() throws(BSONError) -> String { try named { value throws(BSONError) in try value.string() } }
    /// The UTF-8 of a string, not validated.
    package func stringBytes() throws(BSONError) -> UnsafeRawBufferPointer {
        try named { value throws(BSONError) in try value.stringBytes() }
    }
    package func int32() throws(BSONError) -> Int32 { try named { value throws(BSONError) in try value.int32() } }
    /// Accepts an `int32` too.
    package func int64() throws(BSONError) -> Int64 { try named { value throws(BSONError) in try value.int64() } }
    package func double() throws(BSONError) -> Double { try named { value throws(BSONError) in try value.double() } }
    package func bool() throws(BSONError) -> Bool { try named { value throws(BSONError) in try value.bool() } }
    package func date() throws(BSONError) -> BSONDate { try named { value throws(BSONError) in try value.date() } }
    /// Binary of subtype 4 and 16 bytes.
    package func uuid() throws(BSONError) -> UUID { try named { value throws(BSONError) in try value.uuid() } }
    package func binary() throws(BSONError) -> (subtype: BSONBinary.Subtype, bytes: UnsafeRawBufferPointer) {
        try named { value throws(BSONError) in try value.binary() }
    }
    package func objectID() throws(BSONError) -> BSONObjectID {
        try named { value throws(BSONError) in try value.objectID() }
    }
    package func timestamp() throws(BSONError) -> BSONTimestamp {
        try named { value throws(BSONError) in try value.timestamp() }
    }
    package func document() throws(BSONError) -> BorrowedDocument {
        try named { value throws(BSONError) in try value.document() }
    }
    /// An array is a document whose keys are `"0"`, `"1"`, and so on.
    package func array() throws(BSONError) -> BorrowedDocument {
        try named { value throws(BSONError) in try value.array() }
    }

    /// A deep, checked copy of the value.
    package func value() throws(BSONError) -> BSONValue { try named { value throws(BSONError) in try value.value() } }

    private func named<R>(_ read: (BorrowedValue) throws(BSONError) -> R) throws(BSONError) -> R {
        do throws(BSONError) {
            return try read(borrowedValue)
        } catch {
            throw error.prefixed(by: String(decoding: key, as: UTF8.self))
        }
    }
}

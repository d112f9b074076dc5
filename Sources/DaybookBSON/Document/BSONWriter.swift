package import Foundation

/// Builds one document field by field in one growing buffer: no tree, and no child that is copied into its parent.
///
/// ```swift
/// var writer = BSONWriter()
/// writer.write("license/L-1", forKey: "aggregateId")
/// writer.beginArray("versions")
/// writer.append(Int64(3))
/// writer.end()
/// let document = try writer.finish()
/// ```
///
/// A value that cannot be written (a key with NUL, a value beyond BSON's range, a document that is too large) is
/// recorded, and ``finish()`` throws the first such error. So a sequence of writes needs only one `try`.
package struct BSONWriter: ~Copyable {
    private struct Frame {
        var start: Int
        /// The next index of an array; nil for a document.
        var index: Int?
    }

    private var bytes: ByteBuffer
    /// The container that was begun last, and those around it.
    private var frame: Frame
    private var outer: [Frame] = []
    private var fault: BSONError?

    /// Begins the root document.
    ///
    /// - Parameter capacity: the expected size in bytes.
    package init(capacity: Int = 256) {
        bytes = ByteBuffer(capacity: capacity)
        frame = Frame(start: 0, index: nil)
        bytes.appendInteger(Int32(0))
    }

    /// Begins a document under `key`; ``end()`` ends it.
    package mutating func beginDocument(_ key: String) {
        header(.document, key)
        begin(index: nil)
    }

    /// Begins an array under `key`; ``end()`` ends it.
    package mutating func beginArray(_ key: String) {
        header(.array, key)
        begin(index: 0)
    }

    /// Begins a document as the next element of the current array.
    package mutating func beginDocument() {
        header(.document, nil)
        begin(index: nil)
    }

    /// Begins an array as the next element of the current array.
    package mutating func beginArray() {
        header(.array, nil)
        begin(index: 0)
    }

    /// Ends the document or array that was begun last.
    ///
    /// - Precondition: it is not the root.
    package mutating func end() {
        guard let next = outer.popLast() else { preconditionFailure("end() without a matching begin.") }
        close()
        frame = next
    }

    /// Writes `value` under `key`.
    package mutating func write(_ value: some BSONWritable, forKey key: String) {
        write(value, key)
    }

    // Overloads for the most frequent types, because a generic call from another module is not specialized.
    package mutating func write(_ value: String, forKey key: String) { write(value, key) }
    package mutating func write(_ value: Int32, forKey key: String) { write(value, key) }
    package mutating func write(_ value: Int64, forKey key: String) { write(value, key) }
    package mutating func write(_ value: UUID, forKey key: String) { write(value, key) }
    package mutating func write(_ value: BSONDate, forKey key: String) { write(value, key) }
    package mutating func write(_ value: BSONDocument, forKey key: String) { write(value, key) }

    /// Writes `value` under `key`, or nothing when it is nil.
    package mutating func writeIfPresent(_ value: (some BSONWritable)?, forKey key: String) {
        if let value { write(value, key) }
    }

    package mutating func writeIfPresent(_ value: String?, forKey key: String) {
        if let value { write(value, key) }
    }

    package mutating func writeNull(forKey key: String) {
        header(.null, key)
    }

    /// Writes an array of `values` under `key`.
    package mutating func write(array values: some Sequence<some BSONWritable>, forKey key: String) {
        beginArray(key)
        for value in values { append(value) }
        end()
    }

    /// Writes bytes under `key`.
    package mutating func write(binary content: UnsafeRawBufferPointer, subtype: BSONBinary.Subtype, forKey key: String)
    {
        let mark = bytes.count
        header(.binary, key)
        do throws(BSONError) {
            try bytes.appendBinary(subtype, content)
        } catch {
            fail(error, at: key, restoring: mark)
        }
    }

    /// Writes bytes under `key`.
    package mutating func write(binary content: some Collection<UInt8>, subtype: BSONBinary.Subtype, forKey key: String)
    {
        let isContiguous: Void? = content.withContiguousStorageIfAvailable {
            write(binary: UnsafeRawBufferPointer($0), subtype: subtype, forKey: key)
        }
        if isContiguous == nil {
            Array(content).withUnsafeBytes { write(binary: $0, subtype: subtype, forKey: key) }
        }
    }

    /// Adds `value` as the next element of the current array.
    ///
    /// - Precondition: the container that was begun last is an array.
    package mutating func append(_ value: some BSONWritable) {
        write(value, nil)
    }

    /// The finished document.
    ///
    /// - Precondition: every container was ended.
    /// - Throws: the first error of a write, with its path.
    package consuming func finish() throws(BSONError) -> BSONDocument {
        precondition(outer.isEmpty, "finish() before every container was ended.")
        close()
        if let fault { throw fault }
        return BSONDocument(unchecked: bytes.array)
    }

    private mutating func begin(index: Int?) {
        outer.append(frame)
        frame = Frame(start: bytes.count, index: index)
        bytes.appendInteger(Int32(0))
        if outer.count >= BSONDocument.maximumDepth { fault = fault ?? .nestedTooDeep }
    }

    private mutating func close() {
        do throws(BSONError) {
            try bytes.endDocument(startingAt: frame.start)
        } catch {
            fault = fault ?? error
        }
    }

    @inline(__always)
    private mutating func write(_ value: some BSONWritable, _ key: String?) {
        let mark = bytes.count
        header(.null, key)
        do throws(BSONError) {
            let type = try value.appendBSON(to: &bytes)
            if bytes.count > mark { bytes[mark] = type.rawValue }
        } catch {
            fail(error, at: key ?? "", restoring: mark)
        }
    }

    /// Writes type byte and key; `key` is nil inside an array.
    @inline(__always)
    private mutating func header(_ type: BSONType, _ key: String?) {
        bytes.append(type.rawValue)
        if let key {
            precondition(frame.index == nil, "An array's elements have no keys.")
            if !bytes.appendCString(key) {
                bytes.append(0)
                fault = fault ?? BSONError.keyWithNUL.prefixed(by: key)
            }
        } else {
            guard let index = frame.index else { preconditionFailure("A document's fields need keys.") }
            frame.index = index + 1
            bytes.appendIndexKey(index)
        }
    }

    private mutating func fail(_ error: BSONError, at key: String, restoring mark: Int) {
        fault = fault ?? error.prefixed(by: key)
        bytes.removeLast(bytes.count - mark)
    }
}

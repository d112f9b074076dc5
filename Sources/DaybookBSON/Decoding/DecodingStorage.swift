/// The input of one call to a decoder, and a cache about the types that it decoded.
///
/// After the call it is empty: a decoder that was kept finds no bytes, and throws. If none was kept, the storage is
/// reused.
final class DecodingStorage {
    /// The root document; nil once the call has returned, because then the bytes are no longer valid.
    @exclusivity(unchecked) private(set) var root: UnsafeRawBufferPointer?
    private(set) var userInfo: [CodingUserInfoKey: any Sendable] = [:]
    /// The name of the case whose payload is the root, while an enum is decoded from an event.
    private(set) var caseName: String?
    /// True once an enum has asked for its case as a single value.
    var isCaseReadAsText = false
    private var fault: (any Error)?

    // Exclusivity is unchecked for these: only this type's own code runs while they are accessed.
    @exclusivity(unchecked) private var hints = FieldHints()
    /// The types that were last found to decode themselves, because they have no BSON form of their own.
    @exclusivity(unchecked) private var plainTypes = RecentTypes()

    /// A cache of objects for the key types of containers.
    @exclusivity(unchecked) var memory = KeyTypeMemory()

    /// Begins a call, after ``rest()``.
    func begin(_ root: BorrowedDocument, _ userInfo: [CodingUserInfoKey: any Sendable], caseName: String?) {
        self.root = root.bytes
        if !userInfo.isEmpty { self.userInfo = userInfo }
        self.caseName = caseName
        isCaseReadAsText = false
        hints = FieldHints()
    }

    /// Keeps a fault that could not be thrown where it was found, to throw it at the end of the call.
    func remember(_ error: any Error) {
        if root != nil, fault == nil { fault = error }
    }

    /// Throws the kept fault: a value made from part of a document must not be taken for one made from all of it.
    func throwRemembered() throws {
        if let fault { throw fault }
    }

    /// True when `type` is known to decode itself.
    @inline(__always)
    func isPlain(_ type: Any.Type) -> Bool { plainTypes.contains(type) }

    func notePlain(_ type: Any.Type) { plainTypes.add(type) }

    /// Drops the bytes.
    func expire() { root = nil }

    /// Resets the rest of a call's data, so that the storage can be reused. No one else may refer to it.
    func rest() {
        if !userInfo.isEmpty { userInfo = [:] }
        fault = nil
    }

    @inline(__always)
    func bytes() throws(BSONError) -> UnsafeRawBufferPointer {
        guard let root else {
            throw BSONError(.expired, "A decoder was used after the call that lent it had returned.")
        }
        return root
    }

    /// The root document as a value.
    func rootValue() throws -> EncodedValue {
        do throws(BSONError) {
            return EncodedValue(.document, depth: 0, start: 0, end: try bytes().count)
        } catch {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: error.message, underlyingError: error))
        }
    }

    /// Finds the value of the field with these key bytes in `container`; nil when there is none. The search begins
    /// after the field that was found last. So fields that are read in the order in which they were written cost one
    /// comparison each.
    @inline(__always)
    func find(_ name: UnsafeRawBufferPointer, in container: EncodedValue) throws(BSONError) -> EncodedValue? {
        let hint = hints[container.depth]
        let first = container.start + 4
        let start = Int(hint.container) == container.start ? Int(hint.offset) : first
        var found = try scan(for: name, in: container, from: start, to: container.end - 1)
        if found == nil, start > first { found = try scan(for: name, in: container, from: first, to: start) }
        guard let found else { return nil }
        hints[container.depth] = FieldHints.Hint(
            container: Int32(truncatingIfNeeded: container.start), offset: Int32(truncatingIfNeeded: found.end))
        return found
    }

    /// Searches the fields that start between two offsets.
    private func scan(
        for name: UnsafeRawBufferPointer, in container: EncodedValue, from start: Int, to end: Int
    ) throws(BSONError) -> EncodedValue? {
        let bytes = try bytes()
        var offset = start
        while offset < end {
            let element = try ElementLocation(in: bytes, at: offset, limit: container.end - 1)
            if haveSameBytes(UnsafeRawBufferPointer(rebasing: bytes[element.key..<element.keyEnd]), name) {
                return try EncodedValue(element, in: container)
            }
            offset = element.end
        }
        return nil
    }
}

internal import Foundation

extension EncodingStorage {
    /// Makes the node of `handle` a document or an array, unless it already is one.
    ///
    /// A class and its superclass may both request a keyed container from the same encoder; they share it. A fault is
    /// recorded, because Codable's `container(keyedBy:)` cannot throw.
    func begin(_ kind: EncodingNode.Kind, in handle: EncodingHandle, isDictionary: Bool = false) {
        guard let index = node(handle) else { return fail(.containerExpired, nil) }
        if nodes[index].kind == .pending {
            setType(kind == .array ? .array : .document, of: index)
            // A closed node that cannot be reopened already holds the bytes of an empty container.
            if bringToTop(index) { bytes.appendInteger(Int32(0)) }
            nodes[index].kind = kind
            if kind == .array { beginSorting(nodes[index].unkeyedSorting, index) }
        } else if nodes[index].kind != kind {
            return fail(BSONError(.typeMismatch, "The value is already encoded in another shape."), index)
        }
        if isDictionary {
            _ = bringToTop(index)
            finishSorting(index)
            beginSorting(.fields, index)
        }
    }

    /// Makes a pending node for a nested value under `key`. If `index` itself is closed, the new node is closed too,
    /// and an empty document.
    @inline(__always)
    func pushNested(_ key: some CodingKey, in index: Int, isDictionary: Bool) throws(BSONError) -> Int {
        let depth = nodes[index].depth + 1
        guard depth < BSONDocument.maximumDepth else { throw .nestedTooDeep }
        guard bringToTop(index) else { return try splicePlaceholder(key, into: index) }
        separateDictionary(index, isDictionary)
        let header = bytes.count
        try appendHeader(.document, key)
        return push(parent: index, depth: depth, header: header)
    }

    /// Makes a pending node for the next element of an array. If `index` itself is closed, the new node is closed too,
    /// and an empty document.
    @inline(__always)
    func pushNext(in index: Int) throws(BSONError) -> Int {
        let depth = nodes[index].depth + 1
        guard depth < BSONDocument.maximumDepth else { throw .nestedTooDeep }
        guard bringToTop(index) else { return try splicePlaceholder(BSONKey(index: nodes[index].count), into: index) }
        let header = bytes.count
        appendHeader(.document, nextIn: index)
        return push(parent: index, depth: depth, header: header)
    }

    /// Makes a pending node that outlives this call, for a nested container or a super encoder. If that is not
    /// possible, returns nil and records a fault.
    func beginNested(in handle: EncodingHandle, _ push: (Int) throws(BSONError) -> Int) -> EncodingHandle {
        guard let index = node(handle) else {
            fail(.containerExpired, nil)
            return .stale(self)
        }
        do throws(BSONError) {
            return self.handle(try push(index))
        } catch {
            fail(error, index)
            return .stale(self)
        }
    }

    /// `value` as a type that the encoder knows; nil if it simply encodes itself.
    @inline(__always)
    private func known<T: Encodable>(_ value: T) -> (any KnownToEncoder)? {
        if isPlain(T.self) { return nil }
        let known = value as? any KnownToEncoder
        if known == nil { notePlain(T.self) }
        return known
    }

    /// Whether `value` stands for nil. The value of a type that simply encodes itself never does.
    @inline(__always)
    func isNull<T: Encodable>(_ value: T) -> Bool {
        if isSame(T.self, Date.self) || isSame(T.self, UUID.self) || isPlain(T.self) { return false }
        return (value as? any Nullable)?.isNull ?? false
    }

    /// `value` as `V`, where the compiler does not know that the two types are the same.
    @inline(__always)
    private func same<T, V>(_ value: T) -> V {
        // T and V are the same type: each call follows a comparison of the two.
        unsafeBitCast(value, to: V.self)
    }

    /// `value` as the date that it is.
    @inline(__always)
    private func date<T>(_ value: T) -> Date {
        let date: Date = same(value)
        if !date.isExactInBSON { hasInexactDate = true }
        return date
    }

    /// Encodes any value under `key`.
    func encode<T: Encodable>(_ value: T, _ key: some CodingKey, to handle: EncodingHandle, isDictionary: Bool) throws {
        if isSame(T.self, Date.self) { return try write(date(value), key, to: handle, isDictionary: isDictionary) }
        if isSame(T.self, UUID.self) {
            return try write(same(value) as UUID, key, to: handle, isDictionary: isDictionary)
        }
        let known = known(value)
        if let writable = known as? any BSONWritable {
            return try write(writable, key, to: handle, isDictionary: isDictionary)
        }
        guard let index = node(handle) else { throw expired(value, key) }
        guard bringToTop(index) else { return try spliceEncoded(value, key, into: index) }
        let child: Int
        do throws(BSONError) {
            child = try pushNested(key, in: index, isDictionary: isDictionary)
        } catch {
            throw invalid(value, path(index), key, error)
        }
        try encode(value, known, as: child)
    }

    /// Encodes any value as the next element of an array.
    func append<T: Encodable>(encoding value: T, to handle: EncodingHandle) throws {
        if isSame(T.self, Date.self) { return try append(date(value), to: handle) }
        if isSame(T.self, UUID.self) { return try append(same(value) as UUID, to: handle) }
        let known = known(value)
        if let writable = known as? any BSONWritable { return try append(writable, to: handle) }
        guard let index = node(handle) else { throw expired(value, nil) }
        guard bringToTop(index) else {
            return try spliceEncoded(value, BSONKey(index: nodes[index].count), into: index)
        }
        let child: Int
        do throws(BSONError) {
            child = try pushNext(in: index)
        } catch {
            throw invalid(value, path(index), BSONKey(index: nodes[index].count), error)
        }
        try encode(value, known, as: child)
    }

    /// Fills a pending value with any value. An encoder encodes only one.
    func fill<T: Encodable>(encoding value: T, in handle: EncodingHandle) throws {
        if isSame(T.self, Date.self) { return try fill(date(value), in: handle) }
        let known = known(value)
        if let writable = known as? any BSONWritable { return try fill(writable, in: handle) }
        guard let index = node(handle) else { throw expired(value, nil) }
        guard nodes[index].kind == .pending else { throw secondValue(value, index) }
        guard bringToTop(index) else { return try replacePlaceholder(index, byEncoding: value) }
        // Delegation adds no level of BSON, but it adds one to the call stack.
        nodes[index].depth += 1
        guard nodes[index].depth < BSONDocument.maximumDepth else {
            throw invalid(value, path(index), nil, .nestedTooDeep)
        }
        if let collection = known as? any UnorderedCollection {
            nodes[index].unkeyedSorting = type(of: collection).sorting
        }
        try value.encode(to: ValueEncoder(handle: handle))
    }

    /// Encodes `value` into the last node, `child`, and removes that node and those that were made in the meantime.
    private func encode<T: Encodable>(_ value: T, _ known: (any KnownToEncoder)?, as child: Int) throws {
        if let collection = known as? any UnorderedCollection {
            nodes[child].unkeyedSorting = type(of: collection).sorting
        }
        do {
            try value.encode(to: ValueEncoder(handle: handle(child)))
        } catch {
            abandon(child, error)
            throw error
        }
        while top >= child { close() }
        nodes.removeLast(nodes.count - child)
    }

    /// Removes what a failed value wrote, because its caller may swallow the error and continue.
    private func abandon(_ child: Int, _ error: any Error) {
        let node = nodes[child]
        if node.isOpen || (node.end == bytes.count && node.parent == top) {
            bytes.removeLast(bytes.count - node.header)
            top = node.parent
            if nodes[node.parent].kind == .array { nodes[node.parent].count -= 1 }
        } else {
            // Something was written after it in the meantime. The output cannot be repaired, so the whole call fails.
            fault = fault ?? error
            while top >= child { close() }
        }
        nodes.removeLast(nodes.count - child)
    }

    /// Records a failure where Codable cannot throw. It makes the whole call fail.
    func fail(_ error: BSONError, _ index: Int?) {
        let context = EncodingError.Context(
            codingPath: index.map(path) ?? rootPath, debugDescription: error.message, underlyingError: error)
        fault = fault ?? EncodingError.invalidValue((), context)
    }
}

extension EncodingHandle {
    /// A handle without a node: every use of it throws.
    static func stale(_ storage: EncodingStorage) -> EncodingHandle {
        EncodingHandle(storage: storage, index: .max, serial: 0)
    }
}

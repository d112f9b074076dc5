/// The slow path: writing to a container that is closed, because something was written after it.
///
/// The new bytes are made separately and inserted where they belong. Then the enclosing lengths and the later offsets
/// are adjusted.
extension EncodingStorage {
    /// Adds a field or element whose value has a BSON form of its own to the closed container `index`.
    func splice(_ value: some BSONWritable, _ key: some CodingKey, into index: Int) throws(BSONError) {
        var content = ByteBuffer()
        let type = try value.appendBSON(to: &content)
        _ = try splice(type, content, key, into: index)
    }

    /// Adds any value to the closed container `index`.
    func spliceEncoded<T: Encodable>(_ value: T, _ key: some CodingKey, into index: Int) throws {
        let part = try encodeApart(value, path(index) + [key], depth: nodes[index].depth + 1)
        do throws(BSONError) {
            _ = try splice(part.rootType, part.bytes, key, into: index)
        } catch {
            throw invalid(value, path(index), key, error)
        }
    }

    /// Adds an empty document to the closed container `index`, and a closed pending node for it.
    func splicePlaceholder(_ key: some CodingKey, into index: Int) throws(BSONError) -> Int {
        var empty = ByteBuffer()
        empty.appendEmptyDocument()
        let header = try splice(.document, empty, key, into: index)
        let innermost = top
        let child = push(parent: index, depth: nodes[index].depth + 1, header: header)
        top = innermost
        nodes[child].isOpen = false
        nodes[child].end = nodes[index].end - 1
        nodes[child].start = nodes[child].end - 5
        return child
    }

    /// Replaces the empty document of the closed pending node `index`.
    func replacePlaceholder(_ index: Int, by value: some BSONWritable) throws(BSONError) {
        var content = ByteBuffer()
        let type = try value.appendBSON(to: &content)
        replacePlaceholder(index, type, content)
    }

    /// Replaces the empty document of the closed pending node `index`.
    func replacePlaceholder<T: Encodable>(_ index: Int, byEncoding value: T) throws {
        let part = try encodeApart(value, path(index), depth: nodes[index].depth + 1)
        replacePlaceholder(index, part.rootType, part.bytes)
    }

    private func replacePlaceholder(_ index: Int, _ type: BSONType, _ content: borrowing ByteBuffer) {
        let end = nodes[index].end
        setType(type, of: index)
        nodes[index].kind = .value
        bytes.replace(nodes[index].start..<end, with: content.array)
        shift(from: end, endsFrom: end, by: content.count - (end - nodes[index].start), around: nodes[index].parent)
    }

    /// Encodes `value` into a separate output.
    private func encodeApart<T: Encodable>(_ value: T, _ path: [any CodingKey], depth: Int) throws -> EncodingStorage {
        let part = EncodingStorage(userInfo: userInfo, rootPath: path, depth: depth)
        guard depth < BSONDocument.maximumDepth else { throw part.invalid(value, path, nil, .nestedTooDeep) }
        try part.encodeRoot(value)
        if part.hasInexactDate { hasInexactDate = true }
        return part
    }

    /// Inserts an element at the end of the closed container `index` and returns the offset of its type byte.
    private func splice(
        _ type: BSONType, _ content: borrowing ByteBuffer, _ key: some CodingKey, into index: Int
    ) throws(BSONError) -> Int {
        guard nodes[index].kind == .document || nodes[index].kind == .array else {
            throw BSONError(.typeMismatch, "The value is already encoded in another shape.")
        }
        let text = key.stringValue
        var element = ByteBuffer(capacity: content.count + 32)
        guard element.appendHeader(type, text) else { throw text.isEmpty ? .emptyKey : .keyWithNUL }
        content.withUnsafeBytes { element.append(contentsOf: $0) }
        let position = nodes[index].end - 1
        bytes.replace(position..<position, with: element.array)
        if nodes[index].kind == .array { nodes[index].count += 1 }
        shift(from: position, endsFrom: position + 1, by: element.count, around: index)
        if nodes[index].sorting == .fields {
            sort(.fields, from: nodes[index].sortStart, to: nodes[index].end - 1)
        }
        return position
    }

    /// Shifts the offsets after `delta` inserted bytes, and lengthens the enclosing closed containers, from `index`
    /// outwards.
    private func shift(from position: Int, endsFrom end: Int, by delta: Int, around index: Int) {
        for other in nodes.indices {
            if nodes[other].header >= position { nodes[other].header += delta }
            if nodes[other].start >= position { nodes[other].start += delta }
            if nodes[other].sortStart > position { nodes[other].sortStart += delta }
            if !nodes[other].isOpen, nodes[other].end >= end { nodes[other].end += delta }
        }
        var container = index
        while container >= 0, !nodes[container].isOpen {
            let (length, overflow) = bytes.integer(at: nodes[container].start).addingReportingOverflow(
                Int32(clamping: delta))
            if overflow { return fail(.documentTooLarge, container) }
            bytes.patchInteger(length, at: nodes[container].start)
            container = nodes[container].parent
        }
    }
}

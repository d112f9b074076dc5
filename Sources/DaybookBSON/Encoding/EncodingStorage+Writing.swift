extension EncodingStorage {
    /// Writes the element's type byte and key at the end of the output.
    ///
    /// - Throws: ``BSONError/Code/invalidKey``; nothing was written then.
    @inline(__always)
    func appendHeader(_ type: BSONType, _ key: some CodingKey) throws(BSONError) {
        let text = key.stringValue
        guard bytes.appendHeader(type, text) else { throw text.isEmpty ? .emptyKey : .keyWithNUL }
    }

    /// Writes the next array element's type byte and index.
    @inline(__always)
    func appendHeader(_ type: BSONType, nextIn index: Int) {
        bytes.append(type.rawValue)
        bytes.appendIndexKey(nodes[index].count)
        nodes[index].count += 1
    }

    /// Writes a field whose value has a BSON form of its own.
    @inline(__always)
    func write(_ value: some BSONWritable, _ key: some CodingKey, to handle: EncodingHandle, isDictionary: Bool) throws
    {
        guard let index = node(handle) else { throw expired(value, key) }
        do throws(BSONError) {
            guard bringToTop(index) else { return try splice(value, key, into: index) }
            separateDictionary(index, isDictionary)
            let mark = bytes.count
            try appendHeader(.null, key)
            try writeValue(value, header: mark)
        } catch {
            throw invalid(value, path(index), key, error)
        }
    }

    /// Writes an element whose value has a BSON form of its own.
    @inline(__always)
    func append(_ value: some BSONWritable, to handle: EncodingHandle) throws {
        guard let index = node(handle) else { throw expired(value, nil) }
        let count = nodes[index].count
        do throws(BSONError) {
            guard bringToTop(index) else { return try splice(value, BSONKey(index: count), into: index) }
            let mark = bytes.count
            appendHeader(.null, nextIn: index)
            try writeValue(value, header: mark)
        } catch {
            nodes[index].count = count
            throw invalid(value, path(index), BSONKey(index: count), error)
        }
    }

    /// Appends the value of the element whose header is at `header`. If that fails, removes the element.
    @inline(__always)
    private func writeValue(_ value: some BSONWritable, header: Int) throws(BSONError) {
        do throws(BSONError) {
            bytes[header] = try value.appendBSON(to: &bytes).rawValue
        } catch {
            bytes.removeLast(bytes.count - header)
            throw error
        }
    }

    /// Fills a pending value with one that has a BSON form of its own. An encoder encodes only one.
    func fill(_ value: some BSONWritable, in handle: EncodingHandle) throws {
        guard let index = node(handle) else { throw expired(value, nil) }
        guard nodes[index].kind == .pending else { throw secondValue(value, index) }
        do throws(BSONError) {
            guard bringToTop(index) else { return try replacePlaceholder(index, by: value) }
            let mark = bytes.count
            do throws(BSONError) {
                let type = try value.appendBSON(to: &bytes)
                setType(type, of: index)
            } catch {
                bytes.removeLast(bytes.count - mark)
                throw error
            }
            nodes[index].kind = .value
            close()
        } catch {
            throw invalid(value, path(index), nil, error)
        }
    }

    func secondValue(_ value: Any, _ index: Int) -> EncodingError {
        invalid(value, path(index), nil, BSONError(.typeMismatch, "The value is already encoded."))
    }
}

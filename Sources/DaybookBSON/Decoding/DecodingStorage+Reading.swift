/// Reads a value whose place is known, and reports what is wrong with it.
extension DecodingStorage {
    @inline(__always)
    func borrow(_ value: EncodedValue) throws(BSONError) -> BorrowedValue {
        BorrowedValue(
            type: value.type, bytes: UnsafeRawBufferPointer(rebasing: try bytes()[value.start..<value.end]))
    }

    /// Reads a value that has a BSON form of its own.
    @inline(__always)
    func read<V: BSONReadable>(_: V.Type, from value: EncodedValue) throws -> V {
        do throws(BSONError) {
            return try V.read(try borrow(value))
        } catch {
            throw failure(error, V.self, at: value)
        }
    }

    /// Checks that `value` is a container of this type, with its length and final NUL in place.
    func require(_ type: BSONType, _ target: Any.Type, _ value: EncodedValue) throws {
        do throws(BSONError) {
            let borrowed = try borrow(value)
            try borrowed.require(type)
            _ = try BorrowedDocument(validatingLengthOf: borrowed.bytes)
        } catch {
            throw failure(error, target, at: value)
        }
    }

    /// The same value, one level deeper in the call stack.
    func delegate(_ value: EncodedValue, _ target: Any.Type) throws -> EncodedValue {
        do throws(BSONError) {
            return EncodedValue(value.type, depth: try value.nextDepth(), start: value.start, end: value.end)
        } catch {
            throw failure(error, target, at: value)
        }
    }

    /// The keys of a document up to the first fault. `allKeys` cannot throw, so the fault makes the whole call fail at
    /// its end.
    func keys(of value: EncodedValue) -> [String] {
        var keys: [String] = []
        guard let borrowed = try? borrow(value) else { return keys }
        var elements = BorrowedElements(borrowed.bytes)
        do throws(BSONError) {
            while let element = try elements.next() { keys.append(try element.keyString) }
        } catch {
            remember(failure(error, [String: Any].self, at: value, elements.keyHere.map { BSONKey($0) }))
        }
        return keys
    }

    /// The number of elements of an array. Each is checked to lie within it.
    func count(of value: EncodedValue) throws -> Int {
        var count = 0
        do throws(BSONError) {
            var elements = BorrowedElements(try borrow(value).bytes)
            while try elements.next() != nil { count += 1 }
            return count
        } catch {
            throw failure(error, [Any].self, at: value, BSONKey(index: count))
        }
    }

    /// The element at `offset` of an array.
    @inline(__always)
    func element(at offset: Int, of array: EncodedValue, index: Int) throws -> EncodedValue {
        do throws(BSONError) {
            return try EncodedValue(try ElementLocation(in: try bytes(), at: offset, limit: array.end - 1), in: array)
        } catch {
            throw failure(error, Never.self, at: array, BSONKey(index: index))
        }
    }

    /// The standard error for `error`, found at `value`.
    func failure(_ error: BSONError, _ target: Any.Type, at value: EncodedValue, _ key: (any CodingKey)? = nil)
        -> DecodingError
    {
        let path = path(to: value) + (key.map { [$0] } ?? []) + error.path.map { BSONKey($0) }
        let context = DecodingError.Context(codingPath: path, debugDescription: error.message, underlyingError: error)
        switch error.code {
        case .typeMismatch where value.isNull: return .valueNotFound(target, context)
        case .typeMismatch: return .typeMismatch(target, context)
        default: return .dataCorrupted(context)
        }
    }

    /// The keys from the root to `value`, found by descending to its offset: no path is kept as long as nothing fails.
    func path(to value: EncodedValue) -> [any CodingKey] {
        var keys: [any CodingKey] = caseName.map { [BSONKey($0)] } ?? []
        guard let root else { return keys }
        var (start, end) = (0, root.count)
        var isArray = false
        descend: while start < value.start {
            var offset = start + 4
            var index = 0
            while offset < end - 1 {
                guard let element = try? ElementLocation(in: root, at: offset, limit: end - 1) else { return keys }
                if value.start >= element.value, value.end <= element.end {
                    let text = String(decoding: root[element.key..<element.keyEnd], as: UTF8.self)
                    keys.append(isArray ? BSONKey(index: index) : BSONKey(text))
                    guard element.type == .document || element.type == .array, element.end - element.value >= 5 else {
                        return keys
                    }
                    (start, end, isArray) = (element.value, element.end, element.type == .array)
                    continue descend
                }
                offset = element.end
                index += 1
            }
            return keys
        }
        return keys
    }
}

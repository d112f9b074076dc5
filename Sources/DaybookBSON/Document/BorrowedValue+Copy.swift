extension BorrowedValue {
    /// A deep, checked copy.
    package func value() throws(BSONError) -> BSONValue {
        try value(depth: 1)
    }

    private func value(depth: Int) throws(BSONError) -> BSONValue {
        switch type {
        case .double: return .double(try double())
        case .string: return .string(try string())
        case .document:
            try DocumentValidation().validate(bytes, depth: depth)
            return .document(BSONDocument(unchecked: Array(bytes)))
        case .array:
            guard depth <= BSONDocument.maximumDepth else { throw .nestedTooDeep }
            var values: [BSONValue] = []
            var elements = try array().makeElements()
            while let element = try elements.next() {
                do throws(BSONError) {
                    values.append(try element.borrowedValue.value(depth: depth + 1))
                } catch {
                    throw error.prefixed(by: String(values.count))
                }
            }
            return .array(values)
        case .binary:
            let (subtype, content) = try binary()
            return .binary(BSONBinary(subtype: subtype, bytes: Array(content)))
        case .undefined: return .undefined
        case .objectID: return .objectID(try objectID())
        case .bool: return .bool(try bool())
        case .datetime: return .datetime(try date())
        case .null: return .null
        case .regex: return .regex(try regex())
        case .dbPointer:
            let parts = try dbPointerParts()
            guard let namespace = String(validating: parts.namespace, as: UTF8.self) else { throw .invalidUTF8 }
            return .dbPointer(BSONDBPointer(namespace: namespace, id: parts.id))
        case .javascript: return .javascript(try text())
        case .symbol: return .symbol(try text())
        case .javascriptWithScope:
            let parts = try scopedParts()
            guard let code = String(validating: parts.code, as: UTF8.self) else { throw .invalidUTF8 }
            try DocumentValidation().validate(parts.scope.bytes, depth: depth + 1)
            return .javascriptWithScope(BSONJavaScriptWithScope(code: code, scope: BSONDocument(parts.scope)))
        case .int32: return .int32(try int32())
        case .timestamp: return .timestamp(try timestamp())
        case .int64: return .int64(try int64())
        case .decimal128: return .decimal128(try decimal128())
        case .minKey: return .minKey
        case .maxKey: return .maxKey
        }
    }

    /// Pattern and options exactly as they are stored.
    func regex() throws(BSONError) -> BSONRegex {
        try require(.regex)
        // Two NUL-terminated texts, as ElementLocation has checked.
        guard let split = bytes.firstIndex(of: 0),
            let pattern = String(validating: bytes[..<split], as: UTF8.self),
            let options = String(validating: bytes[(split + 1)..<(bytes.count - 1)], as: UTF8.self)
        else { throw .invalidUTF8 }
        return BSONRegex(storedPattern: pattern, storedOptions: options)
    }
}

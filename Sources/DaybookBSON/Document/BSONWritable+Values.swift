extension BSONDate: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        bytes.appendInteger(milliseconds)
        return .datetime
    }
}

extension BSONObjectID: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        append(to: &bytes)
        return .objectID
    }
}

extension BSONBinary: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        let isWritten = self.bytes.withUnsafeBytes { content in
            Result { () throws(BSONError) in try bytes.appendBinary(subtype, content) }
        }
        try isWritten.get()
        return .binary
    }
}

extension BSONRegex: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        guard bytes.appendCString(pattern), bytes.appendCString(options) else {
            throw BSONError(.notRepresentable, "A regular expression and its options cannot contain NUL.")
        }
        return .regex
    }
}

extension BSONTimestamp: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        bytes.appendInteger(bits)
        return .timestamp
    }
}

extension BSONDecimal128: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        bytes.appendInteger(low)
        bytes.appendInteger(high)
        return .decimal128
    }
}

extension BSONDBPointer: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        try bytes.appendString(namespace)
        id.append(to: &bytes)
        return .dbPointer
    }
}

extension BSONJavaScriptWithScope: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        let start = bytes.count
        bytes.appendInteger(Int32(0))
        try bytes.appendString(code)
        bytes.append(contentsOf: scope.bytes)
        guard let length = Int32(exactly: bytes.count - start) else { throw .documentTooLarge }
        bytes.patchInteger(length, at: start)
        return .javascriptWithScope
    }
}

extension BSONDocument: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        bytes.append(contentsOf: self.bytes)
        return .document
    }
}

extension BorrowedDocument: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        bytes.append(contentsOf: self.bytes)
        return .document
    }
}

extension BSONValue: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        try append(to: &bytes, depth: 0)
        return type
    }

    private func append(to bytes: inout ByteBuffer, depth: Int) throws(BSONError) {
        switch self {
        case .double(let value): _ = try value.appendBSON(to: &bytes)
        case .string(let value), .javascript(let value), .symbol(let value): try bytes.appendString(value)
        case .document(let value): bytes.append(contentsOf: value.bytes)
        case .array(let values): try Self.append(values, to: &bytes, depth: depth + 1)
        case .binary(let value): _ = try value.appendBSON(to: &bytes)
        case .objectID(let value): value.append(to: &bytes)
        case .bool(let value): bytes.append(value ? 1 : 0)
        case .datetime(let value): bytes.appendInteger(value.milliseconds)
        case .regex(let value): _ = try value.appendBSON(to: &bytes)
        case .dbPointer(let value): _ = try value.appendBSON(to: &bytes)
        case .javascriptWithScope(let value): _ = try value.appendBSON(to: &bytes)
        case .int32(let value): bytes.appendInteger(value)
        case .timestamp(let value): bytes.appendInteger(value.bits)
        case .int64(let value): bytes.appendInteger(value)
        case .decimal128(let value): _ = try value.appendBSON(to: &bytes)
        case .undefined, .null, .minKey, .maxKey: break
        }
    }

    private static func append(_ values: [BSONValue], to bytes: inout ByteBuffer, depth: Int) throws(BSONError) {
        guard depth <= BSONDocument.maximumDepth else { throw .nestedTooDeep }
        let start = bytes.count
        bytes.appendInteger(Int32(0))
        for (index, value) in values.enumerated() {
            bytes.append(value.type.rawValue)
            bytes.appendIndexKey(index)
            try value.append(to: &bytes, depth: depth)
        }
        try bytes.endDocument(startingAt: start)
    }
}

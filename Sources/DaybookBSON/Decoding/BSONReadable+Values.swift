extension BSONValue: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> BSONValue { try value.value() }
}

extension BSONDocument: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> BSONDocument {
        try value.require(.document)
        try DocumentValidation().validate(value.bytes, depth: 1)
        return BSONDocument(unchecked: Array(value.bytes))
    }
}

extension BSONDate: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> BSONDate { try value.date() }
}

extension BSONObjectID: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> BSONObjectID { try value.objectID() }
}

extension BSONBinary: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> BSONBinary {
        let (subtype, content) = try value.binary()
        return BSONBinary(subtype: subtype, bytes: Array(content))
    }
}

extension BSONRegex: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> BSONRegex { try value.regex() }
}

extension BSONTimestamp: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> BSONTimestamp { try value.timestamp() }
}

extension BSONDecimal128: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> BSONDecimal128 { try value.decimal128() }
}

extension BSONDBPointer: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> BSONDBPointer {
        guard case .dbPointer(let pointer) = try value.value() else { throw value.mismatch("\(BSONType.dbPointer)") }
        return pointer
    }
}

extension BSONJavaScriptWithScope: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> BSONJavaScriptWithScope {
        guard case .javascriptWithScope(let script) = try value.value() else {
            throw value.mismatch("\(BSONType.javascriptWithScope)")
        }
        return script
    }
}

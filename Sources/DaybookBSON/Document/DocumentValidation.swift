/// The complete check of a document from an untrusted source.
struct DocumentValidation {
    /// The deepest level that may exist; the root is 1.
    var maximumDepth = BSONDocument.maximumDepth

    static func validate(_ bytes: [UInt8], maximumDepth: Int) throws(BSONError) {
        // withUnsafeBytes cannot throw typed errors.
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(BSONError) in
                try DocumentValidation(maximumDepth: maximumDepth).validate(buffer, depth: 1)
            }
        }
        try result.get()
    }

    /// Checks that `buffer` is one document, `depth` levels down, with nothing after it.
    func validate(_ buffer: UnsafeRawBufferPointer, depth: Int) throws(BSONError) {
        guard depth <= maximumDepth else { throw .nestedTooDeep(maximumDepth) }
        var elements = try BorrowedDocument(validatingLengthOf: buffer).makeElements()
        while let element = try next(&elements) {
            do throws(BSONError) {
                guard isValidUTF8(element.key) else { throw .invalidUTF8 }
                try validate(element.borrowedValue, depth: depth)
            } catch {
                throw error.prefixed(by: String(decoding: element.key, as: UTF8.self))
            }
        }
    }

    private func next(_ elements: inout BorrowedElements) throws(BSONError) -> BorrowedElement? {
        do throws(BSONError) {
            return try elements.next()
        } catch {
            throw elements.keyHere.map(error.prefixed) ?? error
        }
    }

    /// Checks the content of a value whose extent is known to be right.
    func validate(_ value: BorrowedValue, depth: Int) throws(BSONError) {
        switch value.type {
        case .string, .javascript, .symbol:
            guard isValidUTF8(try value.textBytes()) else { throw .invalidUTF8 }
        case .document, .array:
            try validate(value.bytes, depth: depth + 1)
        case .bool: _ = try value.bool()
        case .binary: _ = try value.binary()
        case .regex:
            guard isValidUTF8(value.bytes) else { throw .invalidUTF8 }
        case .dbPointer:
            guard isValidUTF8(try value.dbPointerParts().namespace) else { throw .invalidUTF8 }
        case .javascriptWithScope:
            let parts = try value.scopedParts()
            guard isValidUTF8(parts.code) else { throw .invalidUTF8 }
            try validate(parts.scope.bytes, depth: depth + 1)
        case .double, .undefined, .objectID, .datetime, .null, .int32, .timestamp, .int64, .decimal128, .minKey,
            .maxKey:
            break
        }
    }
}

/// Replaces values that libbson 1.23 would write wrongly by documents that spell them out. libbson prints a document
/// such as `{"$date": {"$numberLong": "..."}}` as it is.
struct ExtendedJSONSpelling {
    let format: ExtendedJSONFormat

    /// 9999-12-31T23:59:59.999Z, the last date that has a relaxed text; libbson writes five digits and more for later
    /// years.
    private static let lastRelaxedDate: Int64 = 253_402_300_799_999

    /// `document` itself if no value in it has to be spelled out.
    ///
    /// - Precondition: the document is valid.
    func respelled(_ document: BSONDocument) throws(BSONError) -> BSONDocument {
        let result = document.withBorrowed { borrowed in
            Result { () throws(BSONError) in
                guard try isMisspelled(borrowed) else { return document }
                return try respelled(borrowed)
            }
        }
        return try result.get()
    }

    private func isMisspelled(_ document: BorrowedDocument) throws(BSONError) -> Bool {
        var elements = document.makeElements()
        while let element = try elements.next() {
            let value = element.borrowedValue
            switch value.type {
            case .document, .array:
                if try isMisspelled(BorrowedDocument(validatingLengthOf: value.bytes)) { return true }
            case .javascriptWithScope:
                if try isMisspelled(value.scopedParts().scope) { return true }
            case .regex, .datetime, .dbPointer:
                if try spelling(of: value) != nil { return true }
            default: break
            }
        }
        return false
    }

    private func respelled(_ document: BorrowedDocument) throws(BSONError) -> BSONDocument {
        var copy = BSONDocument()
        var elements = document.makeElements()
        while let element = try elements.next() {
            try copy.append(element.keyString, respelled(element.borrowedValue))
        }
        return copy
    }

    private func respelled(_ value: BorrowedValue) throws(BSONError) -> BSONValue {
        switch value.type {
        case .document: return .document(try respelled(value.document()))
        case .array:
            var values: [BSONValue] = []
            var elements = try value.array().makeElements()
            while let element = try elements.next() { values.append(try respelled(element.borrowedValue)) }
            return .array(values)
        case .javascriptWithScope:
            let parts = try value.scopedParts()
            let code = String(decoding: parts.code, as: UTF8.self)
            return .javascriptWithScope(BSONJavaScriptWithScope(code: code, scope: try respelled(parts.scope)))
        default:
            if let spelling = try spelling(of: value) { return spelling }
            return try value.value()
        }
    }

    /// Nil when libbson writes the value correctly.
    private func spelling(of value: BorrowedValue) throws(BSONError) -> BSONValue? {
        switch value.type {
        case .datetime:
            let date = try value.date()
            guard format == .relaxed, date.milliseconds > Self.lastRelaxedDate else { return nil }
            return ["$date": ["$numberLong": .string("\(date.milliseconds)")]]
        case .regex:
            // libbson omits options that it does not know.
            let regex = try value.regex()
            guard !regex.options.utf8.allSatisfy("ilmsux".utf8.contains) else { return nil }
            let options = String(String.UnicodeScalarView(regex.options.unicodeScalars.sorted()))
            return ["$regularExpression": ["pattern": .string(regex.pattern), "options": .string(options)]]
        case .dbPointer:
            // libbson treats the namespace as a C string.
            let parts = try value.dbPointerParts()
            guard parts.namespace.contains(0) else { return nil }
            let namespace = String(decoding: parts.namespace, as: UTF8.self)
            return ["$dbPointer": ["$ref": .string(namespace), "$id": .objectID(parts.id)]]
        default: return nil
        }
    }
}

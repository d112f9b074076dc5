/// What is wrong with bytes or a value, each in one sentence.
extension BSONError {
    // MARK: Bytes

    static var truncated: BSONError { BSONError(.corrupt, "The bytes end inside an element.") }
    static var unterminated: BSONError { BSONError(.corrupt, "A terminating NUL is missing.") }
    static var invalidUTF8: BSONError { BSONError(.corrupt, "A text is not valid UTF-8.") }

    // MARK: Documents

    static var documentTooLarge: BSONError { BSONError(.tooLarge, "The document would exceed 2 GiB.") }
    static func nestedTooDeep(_ levels: Int) -> BSONError {
        BSONError(.tooDeep, "Values are nested more than \(levels) levels deep.")
    }
    static func tooLarge(_ count: Int, maximum: Int) -> BSONError {
        BSONError(.tooLarge, "The document has \(count) bytes, more than the \(maximum) that are allowed.")
    }
    static var keyWithNUL: BSONError { BSONError(.invalidKey, "A key contains NUL, which would end it early.") }
    static var emptyKey: BSONError { BSONError(.invalidKey, "A key is empty.") }

    // MARK: Values

    static func unknownCase(_ name: String) -> BSONError {
        BSONError(.unknownCase, "There is no case named \"\(name)\".")
    }
    static var containerExpired: BSONError {
        BSONError(.expired, "An encoder or container was used after the value it belongs to was encoded.")
    }
}

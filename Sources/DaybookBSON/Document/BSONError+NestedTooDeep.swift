extension BSONError {
    static var nestedTooDeep: BSONError { nestedTooDeep(BSONDocument.maximumDepth) }
}

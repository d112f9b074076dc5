extension BSONDocument {
    /// The fields in order, copied; empty when the bytes are not a document.
    package var fields: [(key: String, value: BSONValue)] {
        withBorrowed { document in (try? document.map { (key: try $0.keyString, value: try $0.value()) }) ?? [] }
    }
}

extension BSONDocument {
    /// Its fields in order, copied; none when its bytes are no document.
    package var fields: [(key: String, value: BSONValue)] {
        withBorrowed { document in (try? document.map { (key: try $0.keyString, value: try $0.value()) }) ?? [] }
    }
}

extension BSONValue {
    /// The value as extended JSON for people, truncated when it is long.
    package func shown(_ format: ExtendedJSONFormat = .relaxed) -> String {
        if case .document(let document) = self, document == BSONDocument() { return "{}" }
        let text = (try? extendedJSON(format)) ?? description
        return text.count > 200 ? "\(text.prefix(200))…" : text
    }
}

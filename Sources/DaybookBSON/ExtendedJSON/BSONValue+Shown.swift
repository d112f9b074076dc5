extension BSONValue {
    /// As extended JSON, for people: cut where it gets long.
    package func shown(_ format: ExtendedJSONFormat = .relaxed) -> String {
        if case .document(let document) = self, document == BSONDocument() { return "{}" }
        let text = (try? extendedJSON(format)) ?? description
        return text.count > 200 ? "\(text.prefix(200))…" : text
    }
}

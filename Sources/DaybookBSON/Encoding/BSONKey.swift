/// A coding key made of text alone: for paths, and where Codable needs a key that no type declares.
struct BSONKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ text: String, isIndex: Bool = false) {
        stringValue = text
        intValue = isIndex ? Int(text) : nil
    }

    init(index: Int) {
        stringValue = String(index)
        intValue = index
    }

    init(stringValue: String) { self.init(stringValue) }
    init(intValue: Int) { self.init(index: intValue) }

    /// The key that Codable's `superEncoder()` and `superDecoder()` use.
    static let superKey = BSONKey("super")
}

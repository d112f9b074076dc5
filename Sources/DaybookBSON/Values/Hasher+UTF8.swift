extension Hasher {
    /// Combines the bytes of `text`: `String`'s own hash is equal for canonically equivalent texts of different bytes.
    mutating func combine(utf8 text: String) {
        var text = text
        text.withUTF8 { bytes in
            combine(bytes.count)
            combine(bytes: UnsafeRawBufferPointer(bytes))
        }
    }
}

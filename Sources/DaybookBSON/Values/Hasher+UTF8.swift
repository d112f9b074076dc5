extension Hasher {
    /// Combines the bytes of `text`. `String`'s own hash is equal for texts that are canonically equivalent but have
    /// different bytes.
    mutating func combine(utf8 text: String) {
        var text = text
        text.withUTF8 { bytes in
            combine(bytes.count)
            combine(bytes: UnsafeRawBufferPointer(bytes))
        }
    }
}

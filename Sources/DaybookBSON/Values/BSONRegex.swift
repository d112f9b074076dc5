/// A regular expression as MongoDB stores it.
public struct BSONRegex: Sendable {
    /// The pattern, without NUL.
    public let pattern: String
    /// Option letters in alphabetical order, without NUL.
    public let options: String

    /// - Parameter options: option letters in any order; they are stored sorted, as the specification requires.
    /// - Throws: ``BSONError/Code/notRepresentable`` when either contains NUL, which would end it early.
    public init(pattern: String, options: String = "") throws(BSONError) {
        guard !pattern.utf8.contains(0), !options.utf8.contains(0) else {
            throw BSONError(.notRepresentable, "A regular expression and its options cannot contain NUL.")
        }
        self.pattern = pattern
        self.options = String(String.UnicodeScalarView(options.unicodeScalars.sorted()))
    }

    /// Keeps both exactly as they were stored.
    init(storedPattern: String, storedOptions: String) {
        pattern = storedPattern
        options = storedOptions
    }
}

extension BSONRegex: Hashable {
    public static func == (left: BSONRegex, right: BSONRegex) -> Bool {
        left.pattern.utf8.elementsEqual(right.pattern.utf8) && left.options.utf8.elementsEqual(right.options.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(utf8: pattern)
        hasher.combine(utf8: options)
    }
}

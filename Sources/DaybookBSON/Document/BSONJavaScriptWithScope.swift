/// JavaScript with the variables it sees. Deprecated by the specification; kept so that old data survives.
public struct BSONJavaScriptWithScope: Sendable {
    /// The JavaScript.
    public let code: String
    /// The values of its free variables.
    public let scope: BSONDocument

    /// Code and its scope.
    public init(code: String, scope: BSONDocument) {
        self.code = code
        self.scope = scope
    }
}

extension BSONJavaScriptWithScope: Hashable {
    public static func == (left: BSONJavaScriptWithScope, right: BSONJavaScriptWithScope) -> Bool {
        left.scope == right.scope && left.code.utf8.elementsEqual(right.code.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(utf8: code)
        hasher.combine(scope)
    }
}

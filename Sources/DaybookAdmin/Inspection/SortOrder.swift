internal import ArgumentParser
internal import DaybookBSON

/// The columns that documents are sorted by.
struct SortOrder: Sendable {
    var columns: [(key: String, direction: Int32)]

    /// Parses `{"state.expiresAt": 1}`.
    ///
    /// - Throws: A `ValidationError` that explains the syntax.
    init(parsing text: String) throws {
        columns = try Arguments.document(text).fields.map { key, value in
            switch value {
            case .int32(1), .double(1): return (key: key, direction: 1)
            case .int32(-1), .double(-1): return (key: key, direction: -1)
            default: throw ValidationError("\(key) is 1 for ascending, or -1 for descending")
            }
        }
    }
}

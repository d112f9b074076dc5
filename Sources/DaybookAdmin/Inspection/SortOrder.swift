/// The columns that documents are sorted by.
struct SortOrder: Sendable {
    var columns: [(key: String, direction: Int32)]
}

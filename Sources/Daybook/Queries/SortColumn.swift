/// A column of MongoDB's sort: a path in the stored document, and 1 or -1.
struct SortColumn: Sendable, Hashable {
    var path: String
    var direction: Int32

    static let id = SortColumn(path: "_id", direction: 1)

    var isAscending: Bool { direction > 0 }
}

extension SortColumn {
    /// The columns of `sort`, with the id last, so that no two documents are equal. The id has the direction of the
    /// column before it. The index of a field ends with the id, so it has this order when it is read forwards or
    /// backwards.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument``
    static func columns<Root>(of sort: [Sort<Root>]) throws -> [SortColumn] {
        var columns: [SortColumn] = []
        for sort in sort {
            let path = try Root.field(sort.keyPath).path
            // MongoDB refuses a path that occurs twice.
            if !columns.contains(where: { $0.path == path }) {
                columns.append(SortColumn(path: path, direction: sort.direction))
            }
        }
        return columns + [SortColumn(path: SortColumn.id.path, direction: columns.last?.direction ?? 1)]
    }
}

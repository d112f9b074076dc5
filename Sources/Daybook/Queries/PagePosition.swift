internal import DaybookBSON

/// A position in an order of stored documents: one document's value in each column of the order.
struct PagePosition: Sendable, Hashable {
    /// One value for each column, the id last; null where the document has none.
    var values: [BSONValue]

    init(values: [BSONValue]) {
        self.values = values
    }

    /// The position of `document`.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument`` when its value in a column is of a kind for which MongoDB cannot
    ///   select what follows.
    init(of document: BorrowedDocument, in columns: [SortColumn], kind: DocumentKind) throws {
        values = try columns.map { column in
            guard let value = try document.value(at: column.path[...]), value.type != .null else { return .null }
            guard SortKind(value) != nil else {
                throw kind.error(
                    .invalidArgument,
                    "it has a value of type \(value.type) in \(column.path), and MongoDB cannot select what follows "
                        + "such a value: page in another order",
                    id: (try? document.first(SnapshotKey.id)?.string()) ?? nil)
            }
            return value.isNaN ? .double(.nan) : value
        }
    }

    /// The filter for what follows this position: for each column, the documents that are equal in the columns before
    /// it and follow in this one.
    func following(in columns: [SortColumn]) -> BSONDocument {
        var branches: [BSONValue] = []
        var equal: [BSONValue] = []
        for (column, value) in zip(columns, values) {
            for condition in column.conditions(after: value) {
                let branch = BSONValue.document([column.path: condition])
                branches.append(equal.isEmpty ? branch : ["$and": .array(equal + [branch])])
            }
            equal.append(.document([column.path: ["$eq": value]]))
        }
        if branches.count == 1, case .document(let only) = branches[0] { return only }
        return ["$or": .array(branches)]
    }
}

extension SortColumn {
    /// The conditions of which each value after `value` meets one.
    ///
    /// MongoDB sorts values of different kinds one kind after another, but `$gt` and `$lt` compare only within one
    /// kind, and null and NaN compare with nothing.
    /// https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
    fileprivate func conditions(after value: BSONValue) -> [BSONValue] {
        guard let kind = SortKind(value) else { return [] }
        var conditions: [BSONValue] = []
        switch (kind, value.isNaN) {
        case (.null, _): break
        // NaN is before all other numbers.
        case (.number, true): if isAscending { conditions.append(["$gte": .double(-.infinity)]) }
        case (.number, false):
            conditions.append([isAscending ? "$gt" : "$lt": value])
            if !isAscending { conditions.append(["$eq": .double(.nan)]) }
        default: conditions.append([isAscending ? "$gt" : "$lt": value])
        }
        // A document whose id is not a text is neither a snapshot nor of a view, so no page contains it.
        if path == SortColumn.id.path, kind == .text { return conditions }
        let others = SortKind.allCases.filter { $0 != .null && (isAscending ? $0 > kind : $0 < kind) }
        if !others.isEmpty { conditions.append(["$type": .array(others.flatMap(\.types).map { .string("\($0)") })]) }
        if !isAscending, kind != .null { conditions.append(["$eq": .null]) }
        return conditions
    }
}

extension BorrowedDocument {
    /// The value at a dotted path of documents; the array when there is an array on the path.
    fileprivate func value(at path: Substring) throws -> BSONValue? {
        guard let dot = path.utf8.firstIndex(of: UInt8(ascii: ".")) else { return try first(String(path))?.value() }
        guard let element = try first(String(path[..<dot])) else { return nil }
        switch element.type {
        case .document: return try element.document().value(at: path[path.index(after: dot)...])
        case .array: return .array([])
        default: return nil
        }
    }
}

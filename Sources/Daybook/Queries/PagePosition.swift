internal import DaybookBSON

/// A place in an order of stored snapshots: what one of them has in each column of the order.
struct PagePosition: Sendable, Hashable {
    /// One for each column, the id last; null where there is no value.
    var values: [BSONValue]

    init(values: [BSONValue]) {
        self.values = values
    }

    /// Where `document` stands.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument`` when it has something in a column of which MongoDB cannot be asked for what follows.
    init(of document: BorrowedDocument, in columns: [SortColumn]) throws {
        values = try columns.map { column in
            guard let value = try document.value(at: column.path[...]), value.type != .null else { return .null }
            guard SortKind(value) != nil else {
                throw DaybookError(
                    .invalidArgument,
                    "it cannot be told what follows a snapshot that has a value of type \(value.type) in \(column.path): page in another order",
                    aggregateID: (try? document.first("_id")?.string()) ?? nil)
            }
            return value.isNaN ? .double(.nan) : value
        }
    }

    /// What stands behind this place: for each column, what equals it in the columns before and follows in this one.
    func following(in columns: [SortColumn]) -> BSONDocument {
        var branches: [BSONValue] = []
        var equal: [BSONValue] = []
        for (column, value) in zip(columns, values) {
            for condition in column.conditions(behind: value) {
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
    /// The conditions one of which holds of every value behind `value`.
    ///
    /// MongoDB sorts values of all kinds one kind after the other, and compares by `$gt` and `$lt` inside one kind only; null and NaN compare
    /// with nothing. https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
    fileprivate func conditions(behind value: BSONValue) -> [BSONValue] {
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
        // What has no text for an id is no snapshot, and is given to nobody.
        if path == SortColumn.id.path, kind == .text { return conditions }
        let others = SortKind.allCases.filter { $0 != .null && (isAscending ? $0 > kind : $0 < kind) }
        if !others.isEmpty { conditions.append(["$type": .array(others.flatMap(\.types).map { .string("\($0)") })]) }
        if !isAscending, kind != .null { conditions.append(["$eq": .null]) }
        return conditions
    }
}

extension BorrowedDocument {
    /// The value at a dotted path of documents; the array when there is one on the way.
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

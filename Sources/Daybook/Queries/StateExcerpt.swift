internal import DaybookBSON

/// Some fields of a state: as a projection for the server, and applied to a state that was folded here.
struct StateExcerpt: Sendable {
    /// Dotted names. None lies inside another, because MongoDB refuses such a projection.
    let names: [String]

    /// - Throws: ``DaybookError/Code/invalidArgument`` when `names` is empty.
    init(of names: [String]) throws {
        guard !names.isEmpty else {
            throw DaybookError(.invalidArgument, "a query of parts of the state names at least one field")
        }
        var kept: [String] = []
        for name in names
        where !kept.contains(where: name.hasSameBytes) && !names.contains(where: { name.inner(of: $0) != nil }) {
            kept.append(name)
        }
        self.names = kept
    }

    /// The requested fields, and those that are needed to read a snapshot. The server always returns the id.
    var projection: BSONDocument {
        get throws {
            var projection: BSONDocument = [SnapshotKey.version: 1, SnapshotKey.stateSchema: 1]
            for name in names { try projection.append(SnapshotKey.path(ofStateField: name), 1) }
            return projection
        }
    }

    func decode<A, Value: Decodable>(from snapshot: Snapshot<A>) throws -> SnapshotExcerpt<Value> {
        do {
            let state = try BSONEncoder().encode(snapshot.state)
            return SnapshotExcerpt(
                id: snapshot.id, version: snapshot.version,
                value: try BSONDecoder().decode(Value.self, from: try applied(to: state)))
        } catch {
            throw DaybookError(
                .invalidArgument,
                "\(Value.self) cannot be decoded from the fields \(names.joined(separator: ", ")) of the state: "
                    + "\(describe(error))",
                aggregateID: snapshot.id.rawValue, version: snapshot.version, underlying: error)
        }
    }

    /// `state` with only these fields, as the server would return it.
    func applied(to state: BSONDocument) throws -> BSONDocument {
        try Self.select(names.map { $0[...] }, of: state)
    }

    private static func select(_ names: [Substring], of document: BSONDocument) throws -> BSONDocument {
        var selected = BSONDocument()
        try document.withBorrowed { document in
            var elements = document.makeElements()
            while let element = try elements.next() {
                let key = try element.keyString
                if names.contains(where: key.hasSameBytes) {
                    try selected.append(key, try element.value())
                    continue
                }
                let inner = names.compactMap { $0.inner(of: key) }
                if !inner.isEmpty, let value = try select(inner, of: try element.value()) {
                    try selected.append(key, value)
                }
            }
        }
        return selected
    }

    /// The named fields of a value. In an array, those of its documents. Nil for a value that has no fields.
    private static func select(_ names: [Substring], of value: BSONValue) throws -> BSONValue? {
        switch value {
        case .document(let document): .document(try select(names, of: document))
        case .array(let values): .array(try values.compactMap { try select(names, of: $0) })
        default: nil
        }
    }
}

extension StringProtocol {
    /// What follows `name` and a dot in this path; nil when it does not begin so. Compared by bytes, as MongoDB splits
    /// a path.
    fileprivate func inner(of name: String) -> Substring? {
        let prefix = name.utf8.count
        guard utf8.count > prefix, utf8.starts(with: name.utf8),
            utf8[utf8.index(utf8.startIndex, offsetBy: prefix)] == UInt8(ascii: ".")
        else { return nil }
        return Substring(self[utf8.index(utf8.startIndex, offsetBy: prefix + 1)...])
    }
}

internal import DaybookMongo

extension MongoError {
    /// Whether a unique index that is none of Daybook's refused a document: no rival stands there, and the same is refused each time.
    package var isOfForeignIndex: Bool { isRefusedByIndex(otherThan: Self.ownIndexes) }

    /// The unique indexes of the journal and the snapshots; every collection has the one of `_id`.
    private static let ownIndexes = [[EventKey.id]] + JournalIndex.allCases.map { $0.model.keys.map(\.path) }
}

extension DaybookError {
    /// The refusal of a unique index that is none of Daybook's.
    static func refused(byForeignIndex error: MongoError, of aggregateID: AggregateID?) -> DaybookError {
        let fields = error.keyPattern.joined(separator: ", ")
        let collection = error.namespace.map { " of \($0)" } ?? ""
        return DaybookError(
            .foreignIndex,
            "the unique index over (\(fields))\(collection), which is none of Daybook's, already has this key. Nothing was written, and trying again "
                + "will not help: choose other values, or make the index not unique.",
            aggregateID: aggregateID?.rawValue, underlying: error)
    }
}

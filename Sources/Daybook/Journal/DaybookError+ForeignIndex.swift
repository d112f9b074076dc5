internal import DaybookMongo

extension MongoError {
    /// Whether a unique index that is not Daybook's refused the document. No rival committed, and the same document is
    /// refused each time.
    package var isOfForeignIndex: Bool { isRefusedByIndex(otherThan: Self.ownIndexes) }

    /// The unique indexes of the journal and the snapshots. Every collection has the one on `_id`.
    private static let ownIndexes = [[EventKey.id]] + JournalIndex.allCases.map { $0.model.keys.map(\.path) }
}

extension DaybookError {
    /// The error for a unique index that is not Daybook's and refused a document.
    static func refused(byForeignIndex error: MongoError, of aggregateID: AggregateID?) -> DaybookError {
        let fields = error.keyPattern.joined(separator: ", ")
        let collection = error.namespace.map { " of \($0)" } ?? ""
        return DaybookError(
            .foreignIndex,
            "the unique index over (\(fields))\(collection), which is none of Daybook's, already has this key. Nothing "
                + "was written, and trying again will not help: choose other values, or make the index not unique.",
            aggregateID: aggregateID?.rawValue, underlying: error)
    }
}

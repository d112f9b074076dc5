internal import DaybookBSON
internal import DaybookMongo

/// An event that was just appended, as the journal's change stream tells of it.
struct JournalHead: Sendable {
    let id: AggregateID
    let version: Int64
    /// Of the server's operation that appended it; nil where it does not say.
    let clusterTime: BSONTimestamp?

    /// Nil for what no writer of Daybook has put there: it is for verify to report, and must not hold up what stands behind it.
    init?(_ event: BorrowedDocument, clusterTime: BSONTimestamp? = nil) {
        guard let text = try? event.first("aggregateId")?.string(), let version = try? event.first("version")?.int64(),
            let id = try? AggregateID(parsing: text)
        else { return nil }
        self.id = id
        self.version = version
        self.clusterTime = clusterTime
    }
}

extension DaybookStore {
    /// The events of one kind of aggregate as they come; nil for one that is none.
    func journalHeads(of type: AggregateType, after token: ResumeToken?) -> ChangeStream<JournalHead?> {
        let match: BSONDocument = ["operationType": "insert", "fullDocument.aggregateId": .document(Journal.ids(of: type))]
        return client.changes(
            of: journal.namespace, matching: match,
            showing: ["fullDocument.aggregateId", "fullDocument.version", "clusterTime"], resumeAfter: token
        ) { change in
            let time = try? change.first("clusterTime")?.timestamp()
            return try change.first("fullDocument").flatMap { JournalHead(try $0.document(), clusterTime: time) }
        }
    }
}

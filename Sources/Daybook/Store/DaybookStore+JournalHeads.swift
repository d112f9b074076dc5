internal import DaybookBSON
package import DaybookMongo

extension DaybookStore {
    /// The new events of one kind of aggregate, as the journal's change stream reports them; nil for one that no
    /// Daybook writer wrote.
    package func journalHeads(of type: AggregateType, after token: ResumeToken?) -> ChangeStream<JournalHead?> {
        let match: BSONDocument = [
            "operationType": "insert", EventKey.changedAggregateIDPath: .document(Journal.ids(of: type)),
        ]
        return client.changes(
            of: journal.namespace, matching: match,
            showing: [EventKey.changedAggregateIDPath, EventKey.changedVersionPath, "clusterTime"], resumeAfter: token
        ) { change in
            let time = try? change.first("clusterTime")?.timestamp()
            return try change.first("fullDocument").flatMap { JournalHead(try $0.document(), clusterTime: time) }
        }
    }
}

package import DaybookBSON

extension MongoConnection {
    /// Changes one document by the stages of a pipeline, and returns it as it is then; nil when no document matches.
    ///
    /// The stages read the document as it was found, and `$$NOW`. The driver sends the command once more when the
    /// connection breaks: the server then answers what it answered the first time. With `upsert` the user needs the
    /// privilege `insert` beside `find` and `update`.
    /// https://www.mongodb.com/docs/manual/reference/command/findAndModify/
    /// https://www.mongodb.com/docs/manual/tutorial/update-documents-with-aggregation-pipeline/
    ///
    /// - Parameter upsert: Whether the stages make a document of what the selector says where none matches.
    package func findAndUpdate(
        _ selector: BSONDocument, through stages: [BSONDocument], upsert: Bool = false, in namespace: Namespace,
        writeConcern: WriteConcern? = nil
    ) throws(MongoError) -> BSONDocument? {
        let command: BSONDocument = [
            "findAndModify": .string(namespace.collection), "query": .document(selector),
            "update": .array(stages.map { .document($0) }), "upsert": .bool(upsert), "new": true,
        ]
        let reply = try write(command, database: namespace.database, writeConcern: writeConcern)
        guard case .document(let document) = reply["value"] else { return nil }
        return document
    }
}

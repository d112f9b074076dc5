internal import DaybookBSON

/// The query that a cursor is opened for.
enum CursorRequest: Sendable {
    case find(BSONDocument)
    case pipeline([BSONDocument])

    var operation: String { isPipeline ? "aggregate" : "find" }

    var isPipeline: Bool {
        if case .pipeline = self { true } else { false }
    }

    /// The filter, or the pipeline as the document that encodes a BSON array.
    func document() throws(BSONError) -> BSONDocument {
        switch self {
        case .find(let filter): return filter
        case .pipeline(let stages):
            var writer = BSONWriter()
            for (index, stage) in stages.enumerated() { writer.write(stage, forKey: String(index)) }
            return try writer.finish()
        }
    }
}

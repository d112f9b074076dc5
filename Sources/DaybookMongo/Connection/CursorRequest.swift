internal import DaybookBSON

/// What a cursor is opened for.
enum CursorRequest: Sendable {
    case find(BSONDocument)
    case pipeline([BSONDocument])

    var operation: String { isPipeline ? "aggregate" : "find" }

    var isPipeline: Bool {
        if case .pipeline = self { true } else { false }
    }

    /// The filter, or the pipeline as the document that a BSON array is.
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

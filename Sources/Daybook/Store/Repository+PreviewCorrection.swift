public import DaybookBSON
internal import DaybookMongo

extension Repository {
    /// The effect that ``correct(_:patch:reason:actor:expecting:commandID:context:)`` would have now. Nothing is
    /// written.
    ///
    /// - Throws: as that function.
    public func previewCorrection(
        _ key: String, patch: BSONDocument, reason: String, actor: String
    ) async throws -> CorrectionPreview {
        let id = try AggregateID(A.type, key: key)
        let wanted = Correction(patch: patch, stateSchema: A.stateSchema, reason: reason, actor: actor)
        return try await store.telemetry.perform("correct", id) {
            try wanted.checkReason()
            _ = try CommandContext(actor: actor).admitted([])
            return try await store.client.withConnection(.single) { connection in
                try wanted.preview(on: loader.load(id, on: connection).fold)
            }
        }
    }
}

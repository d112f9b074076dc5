public import DaybookBSON

/// How a correction of a state with an old `stateSchema` reads now that the schema was raised.
///
/// A correction is a patch of the encoded state, so a change of the state's form may give it another meaning. Each raise of the schema
/// therefore says, once there are corrections, what becomes of theirs: that they hold as they are, or what they read now.
public struct CorrectionUpcaster: Sendable {
    let schema: Int32
    let convert: @Sendable (BSONDocument) throws -> BSONDocument

    /// Corrections of states with `schema` hold for the next one as they are.
    public static func unchanged(from schema: Int32) -> CorrectionUpcaster {
        CorrectionUpcaster(schema: schema) { $0 }
    }

    /// The patch of a correction for `schema` becomes the one for the next.
    public static func transform(
        from schema: Int32, _ convert: @escaping @Sendable (BSONDocument) throws -> BSONDocument
    ) -> CorrectionUpcaster {
        CorrectionUpcaster(schema: schema, convert: convert)
    }
}

public import DaybookBSON

/// How a correction of a state with an old `stateSchema` is read after the schema was raised.
///
/// A correction is a patch of the encoded state, so a change of the state's form may change the patch's meaning. Once
/// an aggregate has corrections, each raise of its schema therefore needs an upcaster: either corrections stay as they
/// are, or their patches are transformed.
public struct CorrectionUpcaster: Sendable {
    let schema: Int32
    let convert: @Sendable (BSONDocument) throws -> BSONDocument

    /// Corrections for `schema` are valid for the next schema as they are.
    public static func unchanged(from schema: Int32) -> CorrectionUpcaster {
        CorrectionUpcaster(schema: schema) { $0 }
    }

    /// Transforms the patch of a correction for `schema` into one for the next schema.
    public static func transform(
        from schema: Int32, _ convert: @escaping @Sendable (BSONDocument) throws -> BSONDocument
    ) -> CorrectionUpcaster {
        CorrectionUpcaster(schema: schema, convert: convert)
    }
}

public import DaybookBSON

/// A change of an aggregate's state that no command makes: a mistake corrected by hand, recorded as an event.
///
/// History is never edited. A correction is appended after it, with its reason and its actor, and every replay applies
/// it at its own version.
///
/// In the journal it is an event of the type `$corrected`, whose `data` is `{ patch, stateSchema, reason, actor }`.
public struct Correction: Sendable, Hashable {
    /// Whether an event type is reserved for Daybook: those types begin with a dollar sign.
    package static func isReserved(_ type: String) -> Bool { type.utf8.first == UInt8(ascii: "$") }

    /// The stored type of a correction.
    package static let eventType = "$corrected"
    /// The schema of stored corrections.
    static let schema: Int32 = 1

    /// The change of the encoded state. It is merged as a JSON merge patch is (RFC 7396), over typed values: documents
    /// are merged field by field, `null` removes a field, and any other value replaces the field.
    public var patch: BSONDocument
    /// The `stateSchema` of the state that `patch` was made for.
    public var stateSchema: Int32
    /// Why the state is corrected.
    public var reason: String
    /// Who corrects it.
    public var actor: String

    init(patch: BSONDocument, stateSchema: Int32, reason: String, actor: String) {
        self.patch = patch
        self.stateSchema = stateSchema
        self.reason = reason
        self.actor = actor
    }

    /// - Throws: ``BSONError`` when a field is missing or of another form.
    init(_ data: BorrowedDocument) throws {
        guard let patch = try data.first(CorrectionKey.patch)?.document(),
            let stateSchema = try data.first(CorrectionKey.stateSchema)?.int32(),
            let reason = try data.first(CorrectionKey.reason)?.string(),
            let actor = try data.first(CorrectionKey.actor)?.string()
        else {
            throw BSONError(.corrupt, "The correction lacks a field.")
        }
        self.init(patch: BSONDocument(patch), stateSchema: stateSchema, reason: reason, actor: actor)
    }

    /// The payload of the correction's event.
    func data() throws -> BSONDocument {
        var writer = BSONWriter(capacity: 128 + patch.bytes.count)
        writer.write(patch, forKey: CorrectionKey.patch)
        writer.write(stateSchema, forKey: CorrectionKey.stateSchema)
        writer.write(reason, forKey: CorrectionKey.reason)
        writer.write(actor, forKey: CorrectionKey.actor)
        return try writer.finish()
    }
}

extension Correction {
    /// `state` with this correction applied.
    ///
    /// - Throws: ``DaybookError/Code/unknownEvent`` when it is for another `stateSchema` and no upcaster leads to the
    ///   present one; ``DaybookError/Code/unreadableEvent`` when the corrected state cannot be decoded.
    func applied<A: Aggregate>(to state: A) throws -> A {
        let patch = try current(for: A.self)
        let corrected: BSONDocument
        do {
            corrected = try BSONEncoder().encode(state).merging(patch)
            return try BSONDecoder().decode(A.self, from: corrected)
        } catch {
            throw DaybookError(
                .unreadableEvent, "the corrected state cannot be decoded: \(describe(error))", underlying: error)
        }
    }

    /// The patch for the declared `stateSchema`.
    private func current<A: Aggregate>(for aggregate: A.Type) throws -> BSONDocument {
        var (patch, schema) = (patch, stateSchema)
        while schema != A.stateSchema {
            guard schema < A.stateSchema, let next = A.correctionUpcasters.first(where: { $0.schema == schema }) else {
                let advice =
                    schema > A.stateSchema
                    ? "a newer program wrote it"
                    : "declare among the aggregate's correctionUpcasters what it is from schema \(schema) on"
                throw DaybookError(
                    .unknownEvent,
                    "it is a correction of a state with stateSchema \(schema), not \(A.stateSchema): \(advice)")
            }
            do {
                patch = try next.convert(patch)
            } catch {
                throw DaybookError(
                    .unreadableEvent, "the correction cannot be upcast from stateSchema \(schema): \(describe(error))",
                    underlying: error)
            }
            schema += 1
        }
        return patch
    }

    /// The correction as it is written: its values are those that the corrected state encodes.
    ///
    /// So `5` is stored as the field's own number type, whichever number type the caller used.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument`` when a part of the patch does not survive being decoded and
    ///   encoded as `A`.
    func normalized<A: Aggregate>(for state: A) throws -> Correction {
        let encoded: BSONDocument
        do {
            let corrected = try BSONEncoder().encode(state).merging(patch)
            encoded = try BSONEncoder().encode(BSONDecoder().decode(A.self, from: corrected))
        } catch {
            throw DaybookError(
                .invalidArgument, "the corrected state is not one that \(A.self) can have: \(describe(error))",
                underlying: error)
        }
        var correction = self
        correction.patch = try encoded.confirming(patch, at: "")
        return correction
    }
}

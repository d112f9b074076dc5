public import DaybookBSON

/// What a correction would do; see ``Repository/previewCorrection(_:patch:reason:actor:)``.
public struct CorrectionPreview: Sendable {
    /// The aggregate's current version, which the correction would follow.
    public let version: Int64
    /// The correction that would be recorded.
    public let correction: Correction
    /// The encoded state without the correction.
    public let before: BSONDocument
    /// The encoded state with the correction.
    public let after: BSONDocument

    /// Whether the correction would change the state. One that changes nothing is not recorded.
    public var isChange: Bool { before != after }
}

extension Correction {
    /// - Throws: ``DaybookError/Code/invalidArgument``
    func checkReason() throws(DaybookError) {
        guard (1...1_024).contains(reason.utf8.count) else {
            throw DaybookError(.invalidArgument, "a correction needs a reason, of at most 1024 bytes")
        }
    }

    /// The effect of this correction on an aggregate.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument`` when the aggregate has no events, or cannot have such a state.
    func preview<A: Aggregate>(on fold: Fold<A>) throws -> CorrectionPreview {
        guard fold.version > 0 else {
            throw DaybookError(.invalidArgument, "it has no events, so there is nothing to correct")
        }
        let correction = try normalized(for: fold.state)
        var corrected = fold
        corrected.state = try correction.applied(to: fold.state)
        return CorrectionPreview(
            version: fold.version, correction: correction, before: try fold.encodedState(),
            after: try corrected.encodedState())
    }
}

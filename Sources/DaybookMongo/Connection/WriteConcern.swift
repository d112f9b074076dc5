internal import DaybookBSON

/// When the server acknowledges a write. If none is passed, it is the URI's, or else a majority and the journal on
/// disk.
///
/// Unacknowledged writes are not supported, because their outcome could not be reported. Inside a transaction only the
/// commit has a write concern, the client's; the driver refuses another.
///
/// https://www.mongodb.com/docs/manual/reference/write-concern/
package struct WriteConcern: Sendable, Hashable {
    package enum Acknowledgement: Sendable, Hashable {
        /// Durable against the loss of any one member.
        case majority
        /// By this many members, at least 1.
        case members(Int32)
    }

    package var acknowledgement: Acknowledgement
    /// Whether the write must be in the journal on disk; nil for the server's default.
    package var isJournaled: Bool?
    /// The time after which the server reports an error, even if the write has taken effect; nil for no limit.
    package var timeout: Duration?

    /// - Precondition: at least one member acknowledges.
    package init(_ acknowledgement: Acknowledgement, isJournaled: Bool? = nil, timeout: Duration? = nil) {
        if case .members(let count) = acknowledgement { precondition(count > 0, "a write concern of no member") }
        self.acknowledgement = acknowledgement
        self.isJournaled = isJournaled
        self.timeout = timeout
    }

    /// `{ w: "majority", j: true, wtimeout: 1000 }`
    var document: BSONDocument {
        var fields: [(String, BSONValue)] = []
        switch acknowledgement {
        case .majority: fields.append(("w", "majority"))
        case .members(let count): fields.append(("w", .int32(count)))
        }
        if let isJournaled { fields.append(("j", .bool(isJournaled))) }
        if let timeout { fields.append(("wtimeout", .int64(Int64(timeout / .milliseconds(1))))) }
        return fields.reduce(into: BSONDocument()) { document, field in
            // Fails only for a key with NUL, and these three keys have none.
            try? document.append(field.0, field.1)
        }
    }
}

internal import DaybookBSON

/// What must hold of a write before it counts as done; the URI's, or a majority and its journal, where none is given.
///
/// A write without acknowledgement is not offered: nothing of it could be reported. Inside a transaction only the commit has one, the
/// client's; the driver refuses another.
///
/// https://www.mongodb.com/docs/manual/reference/write-concern/
package struct WriteConcern: Sendable, Hashable {
    package enum Acknowledgement: Sendable, Hashable {
        /// Durable against the loss of any one member.
        case majority
        /// By so many members, at least 1.
        case members(Int32)
    }

    package var acknowledgement: Acknowledgement
    /// Whether it is in the journal on disk; nil leaves it to the server.
    package var isJournaled: Bool?
    /// After which a write that has taken effect is reported as an error all the same; nil for never.
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
            // The keys are the three above, which append refuses none of.
            try? document.append(field.0, field.1)
        }
    }
}

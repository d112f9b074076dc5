internal import CMongoC

/// The read and write settings of a URI, with the client's defaults where the URI sets none. For people to inspect.
package struct ClientSettings: Sendable, Hashable {
    package enum Acknowledgement: Sendable, Hashable {
        case majority
        /// By this many members, at least 1.
        case members(Int)
        /// A write concern that the replica set's configuration defines.
        case named(String)
    }

    package let acknowledgement: Acknowledgement
    /// Whether a write waits for the journal on disk; nil where the server decides.
    package let isJournaled: Bool?
    /// Whether the URI sets how many members must have a write; otherwise it is the client's default.
    package let statesWriteConcern: Bool
    /// As spelled in a URI: `primary`, `secondaryPreferred` ...
    package let readPreference: String

    init(_ uri: OpaquePointer, statesWriteConcern: Bool) {
        let members = daybook_uri_write_members(uri)
        acknowledgement =
            if let name = daybook_uri_write_tag(uri) {
                .named(String(cString: name))
            } else if members >= 1 {
                .members(Int(members))
            } else {
                .majority
            }
        let journal = daybook_uri_write_journal(uri)
        isJournaled = journal < 0 ? nil : journal != 0
        self.statesWriteConcern = statesWriteConcern
        readPreference = String(cString: daybook_uri_read_preference(uri))
    }
}

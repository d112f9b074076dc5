/// Why Daybook could not do what was asked.
///
/// A command that an aggregate refuses is not one of these: its own `Rejection` is thrown as it is. The description
/// never shows the content of an event or a state, nor credentials.
public struct DaybookError: Error, Sendable {
    /// What went wrong, for a `switch`.
    ///
    /// Later versions may add codes, so a `switch` over it needs a `default`.
    public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The name of the code, as in metrics and traces.
        public let rawValue: String

        /// A code by its name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The name of the code.
        public var description: String { rawValue }

        /// The configuration cannot be used; nothing was sent.
        public static var invalidConfiguration: Code { Code(rawValue: "invalidConfiguration") }
        /// A key, a command id or another argument breaks a rule; nothing was sent.
        public static var invalidArgument: Code { Code(rawValue: "invalidArgument") }
        /// The database has not been prepared, or not for this aggregate: call
        /// ``DaybookStore/initialize(_:)-(Aggregate....)``.
        public static var notInitialized: Code { Code(rawValue: "notInitialized") }
        /// An index, the journal's validator or a role in the database has another definition than Daybook needs, and
        /// Daybook does not change what it did not create. Nothing was written. The message shows both definitions and
        /// the commands that resolve the conflict, and ``DaybookError/underlying`` is ``DefinitionConflicts``.
        public static var conflictingDefinition: Code { Code(rawValue: "conflictingDefinition") }
        /// A unique index that is not Daybook's refuses the write: another aggregate has the same value there. Nothing
        /// was written. The message names the index's fields and its collection. Loading and trying again does not
        /// help.
        public static var foreignIndex: Code { Code(rawValue: "foreignIndex") }
        /// The aggregate is not at the expected version; ``DaybookError/version`` is its actual one.
        public static var conflict: Code { Code(rawValue: "conflict") }
        /// The command id was used before, on the same aggregate, for another command. Nothing was written; use a new
        /// id for each command.
        public static var commandIDReused: Code { Code(rawValue: "commandIdReused") }
        /// A snapshot lags behind a commit, and only a newer deployment can write it; ``DaybookError/version`` is the
        /// snapshot's.
        public static var snapshotBehind: Code { Code(rawValue: "snapshotBehind") }
        /// A view does not include a commit yet, or an event of the commit's aggregate cannot be handled;
        /// ``DaybookError/version`` is the last version that it includes, or that of the event.
        public static var viewBehind: Code { Code(rawValue: "viewBehind") }
        /// The aggregate has no such version (yet); ``DaybookError/version`` is its last one.
        public static var versionNotFound: Code { Code(rawValue: "versionNotFound") }
        /// An event's type or schema is not known to this program: written by a newer one, or a case was removed.
        public static var unknownEvent: Code { Code(rawValue: "unknownEvent") }
        /// A stored event cannot be decoded.
        public static var unreadableEvent: Code { Code(rawValue: "unreadableEvent") }
        /// A document of a view cannot be decoded; the message names the view and the document's key.
        public static var unreadableDocument: Code { Code(rawValue: "unreadableDocument") }
        /// The journal is damaged: versions are not contiguous. Daybook never writes such a journal.
        public static var damagedJournal: Code { Code(rawValue: "damagedJournal") }
        /// The journal was dropped or renamed while it was followed, or another collection was renamed over it. Who
        /// follows it must begin anew.
        public static var journalGone: Code { Code(rawValue: "journalGone") }
        /// An import is malformed, out of order or has a gap, at the line that the message names. The events before
        /// that line are written, and none after it.
        public static var invalidImport: Code { Code(rawValue: "invalidImport") }
        /// An event or a state cannot be encoded; nothing was written.
        public static var notEncodable: Code { Code(rawValue: "notEncodable") }
        /// An event, a commit or a state exceeds MongoDB's size limit; nothing was written.
        public static var tooLarge: Code { Code(rawValue: "tooLarge") }
        /// A transaction used an aggregate in a way that is not allowed.
        public static var invalidTransaction: Code { Code(rawValue: "invalidTransaction") }
        /// The connection died after a commit was sent, and its outcome could not be read before the deadline. It may
        /// still take effect. Repeating the command with the same command id is safe.
        public static var outcomeUnknown: Code { Code(rawValue: "outcomeUnknown") }
        /// The server could not be reached, or did not answer in time. No commit took effect.
        public static var unavailable: Code { Code(rawValue: "unavailable") }
        /// No connection was free in time. Nothing was written.
        public static var poolExhausted: Code { Code(rawValue: "poolExhausted") }
        /// The server cannot run transactions, or is too old.
        public static var unsupportedServer: Code { Code(rawValue: "unsupportedServer") }
        /// The server refused the credentials, or the user lacks the permission.
        public static var unauthorized: Code { Code(rawValue: "unauthorized") }
        /// The store was closed.
        public static var closed: Code { Code(rawValue: "closed") }
        /// Any other error that the server reported.
        public static var server: Code { Code(rawValue: "server") }
    }

    /// What went wrong, for a `switch`.
    public var code: Code
    /// One sentence for people: what is wrong, where, and what to do.
    public var message: String
    /// The aggregate it is about, as `type/key`.
    public var aggregateID: String?
    /// The version it is about; see the codes.
    public var version: Int64?
    /// The operation that failed: `execute`, `load` ...
    public var operation: String?
    /// The error below, where there is one.
    public var underlying: (any Error)?

    package init(
        _ code: Code, _ message: String, aggregateID: String? = nil, version: Int64? = nil, operation: String? = nil,
        underlying: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.aggregateID = aggregateID
        self.version = version
        self.operation = operation
        self.underlying = underlying
    }
}

extension DaybookError: CustomStringConvertible {
    /// Operation, aggregate and sentence, in one line.
    public var description: String {
        var place = [String]()
        if let operation { place.append(operation) }
        if let aggregateID { place.append(aggregateID) }
        return place.isEmpty ? message : "\(place.joined(separator: " ")): \(message)"
    }
}

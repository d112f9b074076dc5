/// On whose behalf a command is executed, and in what connection: recorded with each of its events, for good.
///
/// Nothing in it can ever be erased, so it should name people by ids, and hold no secrets.
public struct CommandContext: Sendable, Hashable {
    /// What belongs together, across aggregates and services: mostly the id of the first request.
    public var correlationID: String?
    /// The message or the event that the command is a reaction to.
    public var causationID: String?
    /// On whose behalf.
    public var actor: String?
    /// What else is to be recorded. Those whose names ``DaybookConfiguration/allowedHeaders`` does not have are left out, so that a request's
    /// headers can be given as they came.
    public var headers: [String: String]

    /// Nothing is known.
    public static let none = CommandContext()

    /// What is known of a command's cause; each text has 1 to 1,024 bytes.
    public init(
        correlationID: String? = nil, causationID: String? = nil, actor: String? = nil, headers: [String: String] = [:]
    ) {
        self.correlationID = correlationID
        self.causationID = causationID
        self.actor = actor
        self.headers = headers
    }

    /// What of it is recorded: with the headers that are allowed, under names in lower case.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument`` for a text that is empty, too long, or has a control character.
    func admitted(_ allowedHeaders: Set<String>) throws -> CommandContext {
        func check(_ text: String?, _ what: String) throws {
            guard let text else { return }
            guard (1...Self.maximumBytes).contains(text.utf8.count) else {
                throw DaybookError(
                    .invalidArgument, "the \(what) has \(text.utf8.count) bytes; 1 to \(Self.maximumBytes) are allowed")
            }
            guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
                throw DaybookError(.invalidArgument, "the \(what) has a control character")
            }
        }
        try check(correlationID, "correlation id")
        try check(causationID, "causation id")
        try check(actor, "actor")
        guard !headers.isEmpty else { return self }
        let allowedHeaders = Set(allowedHeaders.map { Array($0.lowercased().utf8) })
        var admitted = self
        admitted.headers = [:]
        for (name, value) in headers {
            let name = name.lowercased()
            guard allowedHeaders.contains(Array(name.utf8)) else { continue }
            try check(value, "header \(name)")
            guard admitted.headers.updateValue(value, forKey: name) == nil else {
                throw DaybookError(.invalidArgument, "the header \(name) is given twice, in different cases")
            }
        }
        return admitted
    }

    private static let maximumBytes = 1_024
}

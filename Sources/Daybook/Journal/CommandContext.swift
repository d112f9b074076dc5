/// Who executes a command and in what context. It is recorded with each of the command's events.
///
/// It can never be erased from the journal, so it should name people by ids, and hold no secrets.
public struct CommandContext: Sendable, Hashable {
    /// An id that related commands share across aggregates and services: usually the id of the first request.
    public var correlationID: String?
    /// The message or the event that the command reacts to.
    public var causationID: String?
    /// Who the command is executed for.
    public var actor: String?
    /// Other headers to record. Those whose names are not in ``DaybookConfiguration/allowedHeaders`` are left out, so
    /// that a request's headers can be passed as they are.
    public var headers: [String: String]

    /// No context.
    public static let none = CommandContext()

    /// The context of a command. Each text has 1 to 1,024 bytes.
    public init(
        correlationID: String? = nil, causationID: String? = nil, actor: String? = nil, headers: [String: String] = [:]
    ) {
        self.correlationID = correlationID
        self.causationID = causationID
        self.actor = actor
        self.headers = headers
    }

    /// What of it is recorded: the texts, and the allowed headers under names in lower case.
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

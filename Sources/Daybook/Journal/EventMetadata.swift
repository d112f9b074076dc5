internal import DaybookBSON

/// What is recorded beside an event: who or what caused it.
public struct EventMetadata: Sendable, Hashable {
    /// The id of the command that this event came from; on the first of its events on each aggregate.
    public var commandID: String?
    /// The name of that command, as in `renew`; on the same event.
    public var commandName: String?
    /// SHA-256 of that command, by which a command id that is used for another one is found out; on the same event.
    public var commandDigest: [UInt8]?
    /// What belongs together, across aggregates and services.
    public var correlationID: String?
    /// The message or the event that the command was a reaction to.
    public var causationID: String?
    /// On whose behalf.
    public var actor: String?
    /// What else the caller said of it, by names in lower case; only those that ``DaybookConfiguration/allowedHeaders`` lets in.
    public var headers: [String: String]

    init(
        commandID: String? = nil, commandName: String? = nil, commandDigest: [UInt8]? = nil, context: CommandContext = .none
    ) {
        self.commandID = commandID
        self.commandName = commandName
        self.commandDigest = commandDigest
        correlationID = context.correlationID
        causationID = context.causationID
        actor = context.actor
        headers = context.headers
    }

    init(_ document: BorrowedDocument) throws {
        self.init()
        var elements = document.makeElements()
        while let element = try elements.next() {
            if element.hasKey("commandId") {
                commandID = try element.string()
            } else if element.hasKey("commandName") {
                commandName = try element.string()
            } else if element.hasKey("commandDigest") {
                commandDigest = Array(try element.binary().bytes)
            } else if element.hasKey("correlationId") {
                correlationID = try element.string()
            } else if element.hasKey("causationId") {
                causationID = try element.string()
            } else if element.hasKey("actor") {
                actor = try element.string()
            } else if element.hasKey("headers") {
                var fields = try element.document().makeElements()
                while let field = try fields.next() { headers[try field.keyString] = try field.string() }
            }
        }
    }

    /// Writes its fields, those that are set.
    func write(to writer: inout BSONWriter) {
        writer.writeIfPresent(commandID, forKey: "commandId")
        writer.writeIfPresent(commandName, forKey: "commandName")
        if let commandDigest { writer.write(binary: commandDigest, subtype: .generic, forKey: "commandDigest") }
        writer.writeIfPresent(correlationID, forKey: "correlationId")
        writer.writeIfPresent(causationID, forKey: "causationId")
        writer.writeIfPresent(actor, forKey: "actor")
        guard !headers.isEmpty else { return }
        writer.beginDocument("headers")
        for name in headers.keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            writer.writeIfPresent(headers[name], forKey: name)
        }
        writer.end()
    }

    /// Whether a command begins with this event.
    var beginsCommand: Bool { commandID != nil || commandName != nil }
}

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

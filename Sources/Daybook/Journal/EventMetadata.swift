package import DaybookBSON

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

    package init(
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

    package init(_ document: BorrowedDocument) throws {
        self.init()
        var elements = document.makeElements()
        while let element = try elements.next() {
            if element.hasKey(EventKey.commandID) {
                commandID = try element.string()
            } else if element.hasKey(EventKey.commandName) {
                commandName = try element.string()
            } else if element.hasKey(EventKey.commandDigest) {
                commandDigest = Array(try element.binary().bytes)
            } else if element.hasKey(EventKey.correlationID) {
                correlationID = try element.string()
            } else if element.hasKey(EventKey.causationID) {
                causationID = try element.string()
            } else if element.hasKey(EventKey.actor) {
                actor = try element.string()
            } else if element.hasKey(EventKey.headers) {
                var fields = try element.document().makeElements()
                while let field = try fields.next() { headers[try field.keyString] = try field.string() }
            }
        }
    }

    /// Writes its fields, those that are set.
    func write(to writer: inout BSONWriter) {
        writer.writeIfPresent(commandID, forKey: EventKey.commandID)
        writer.writeIfPresent(commandName, forKey: EventKey.commandName)
        if let commandDigest { writer.write(binary: commandDigest, subtype: .generic, forKey: EventKey.commandDigest) }
        writer.writeIfPresent(correlationID, forKey: EventKey.correlationID)
        writer.writeIfPresent(causationID, forKey: EventKey.causationID)
        writer.writeIfPresent(actor, forKey: EventKey.actor)
        guard !headers.isEmpty else { return }
        writer.beginDocument(EventKey.headers)
        for name in headers.keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            writer.writeIfPresent(headers[name], forKey: name)
        }
        writer.end()
    }

    /// Whether a command begins with this event.
    var beginsCommand: Bool { commandID != nil || commandName != nil }
}

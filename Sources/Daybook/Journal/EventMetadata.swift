package import DaybookBSON

/// What is recorded with an event about its cause.
public struct EventMetadata: Sendable, Hashable {
    /// The id of the command that led to this event. Only on the command's first event on each aggregate.
    public var commandID: String?
    /// The name of that command, such as `renew`. On the same event as the id.
    public var commandName: String?
    /// SHA-256 of that command, which detects that a command id was used for another command. On the same event as the
    /// id.
    public var commandDigest: [UInt8]?
    /// An id that related commands share across aggregates and services.
    public var correlationID: String?
    /// The message or the event that the command reacts to.
    public var causationID: String?
    /// Who the command was executed for.
    public var actor: String?
    /// Other headers that the caller passed, by names in lower case. Only those in
    /// ``DaybookConfiguration/allowedHeaders``.
    public var headers: [String: String]

    package init(
        commandID: String? = nil, commandName: String? = nil, commandDigest: [UInt8]? = nil,
        context: CommandContext = .none
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

    /// Writes those fields that are set.
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

    /// Whether this is the first event of a command.
    var beginsCommand: Bool { commandID != nil || commandName != nil }
}

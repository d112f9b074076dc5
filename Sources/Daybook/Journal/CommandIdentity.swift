internal import Crypto
internal import DaybookBSON

/// What identifies a command when it is repeated.
struct CommandIdentity: Sendable, Hashable {
    /// The command id that the caller passed.
    var id: String?
    /// The command's name, such as `renew`.
    var name: String?
    /// SHA-256 over name and content; nil when the command is not `Encodable`, so that its content cannot be compared.
    var digest: [UInt8]?

    static let anonymous = CommandIdentity()

    /// The id as MongoDB compares it, by its bytes. The key for dictionaries.
    var key: BSONValue? { id.map { .string($0) } }

    /// - Parameter encoder: An encoder to share between many commands.
    /// - Throws: ``DaybookError/Code/invalidArgument`` for an id that breaks its rule.
    init<Command>(_ command: Command, id: String?, encoder: BSONEncoder? = nil) throws {
        try Self.check(id)
        self.id = id
        name = Self.name(of: command)
        guard id != nil, let command = command as? any Encodable else { return }
        if let content = try? Self.content(of: command, encoder ?? BSONEncoder()) {
            digest = Self.digest([content.bytes])
        }
    }

    /// For events that the caller appends itself: they are the command's content.
    init(appending events: [EventContent], id: String?) throws {
        try Self.check(id)
        self.id = id
        guard id != nil else { return }
        digest = Self.digest(events.flatMap { [Array($0.type.utf8), $0.data.bytes] })
    }

    /// For a correction: its patch, reason and actor are the command's content, whatever its `stateSchema`.
    init(correcting correction: Correction, id: String?) throws {
        try Self.check(id)
        self.id = id
        name = "correct"
        guard id != nil else { return }
        digest = Self.digest([correction.patch.bytes, Array(correction.reason.utf8), Array(correction.actor.utf8)])
    }

    private init() {}

    /// Wraps the command in a document, because some commands encode as another value, as an enum with raw values does.
    private static func content(of command: some Encodable, _ encoder: BSONEncoder) throws -> BSONDocument {
        try encoder.encode(["command": command])
    }

    /// Whether `recorded`, stored under the same id, belongs to another command.
    func isContradicted(by recorded: EventMetadata) -> Bool {
        guard let digest, let other = recorded.commandDigest else { return false }
        return digest != other
    }

    func reused(by recorded: EventMetadata, _ version: Int64) -> DaybookError {
        DaybookError(
            .commandIDReused,
            "its command id was used before, for "
                + "\(recorded.commandName.map { "another command, \($0)" } ?? "another command"), at version "
                + "\(version). Nothing was written; give each command an id of its own.", version: version)
    }

    private static func check(_ id: String?) throws {
        if let id { try AggregateID.check(id, what: "command id", maximumBytes: 256) }
    }

    /// The case's name for an enum, otherwise the type's name. Never the content.
    private static func name<Command>(of command: Command) -> String {
        let mirror = Mirror(reflecting: command)
        let name: String
        if mirror.displayStyle == .enum {
            name = mirror.children.first?.label ?? "\(command)"
        } else {
            name = "\(type(of: command))"
        }
        // Readers use `commandName` to find the first event of a command, so it is never empty.
        return name.isEmpty || name.utf8.count > 256 ? "command" : name
    }

    /// Each part is preceded by its length, so that no two lists of parts are hashed as the same bytes.
    private static func digest(_ parts: [[UInt8]]) -> [UInt8] {
        var hash = SHA256()
        for part in parts {
            withUnsafeBytes(of: UInt64(part.count).littleEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: part)
        }
        return Array(hash.finalize())
    }
}

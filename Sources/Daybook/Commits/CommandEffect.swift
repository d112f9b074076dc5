/// A command that took effect on an aggregate.
struct CommandEffect: Sendable {
    let identity: CommandIdentity
    /// The version that the command led to.
    let version: Int64

    /// The version, as the answer to a later command with the same id.
    ///
    /// - Throws: ``DaybookError/Code/commandIDReused`` when `command` is not the same command.
    func version(repeatedBy command: CommandIdentity) throws -> Int64 {
        let recorded = EventMetadata(commandName: identity.name, commandDigest: identity.digest)
        guard !command.isContradicted(by: recorded) else { throw command.reused(by: recorded, version) }
        return version
    }
}

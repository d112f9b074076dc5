/// A command that took effect on an aggregate.
struct CommandEffect: Sendable {
    let identity: CommandIdentity
    /// That it led to.
    let version: Int64

    /// The version, for a command that comes with the same id.
    ///
    /// - Throws: ``DaybookError/Code/commandIDReused`` when it is another command.
    func version(repeatedBy command: CommandIdentity) throws -> Int64 {
        let recorded = EventMetadata(commandName: identity.name, commandDigest: identity.digest)
        guard !command.isContradicted(by: recorded) else { throw command.reused(by: recorded, version) }
        return version
    }
}

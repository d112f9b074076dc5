internal import ArgumentParser

/// `projections`: documents that are made of events of several aggregates.
struct Projections<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        let list: [any ParsableCommand.Type] = [ListProjections<Application>.self]
        let works: [any ParsableCommand.Type] = [
            VerifyProjections<Application>.self, PatchProjections<Application>.self,
            RebuildProjections<Application>.self,
        ]
        return CommandConfiguration(
            commandName: "projections",
            abstract: "Look at the projections, compare their documents with the journal, and make them anew.",
            subcommands: list + (Application.aggregates.isEmpty ? [] : works) + [DropProjection<Application>.self])
    }
}

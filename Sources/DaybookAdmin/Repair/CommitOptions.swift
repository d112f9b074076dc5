internal import ArgumentParser
internal import Daybook
internal import DaybookOperations

/// Whether commits are checked.
struct CommitOptions: ParsableArguments {
    @Flag(
        help: """
            Do not look for torn commits: for a journal into which only some types of another were imported.
            """)
    var partialJournal = false

    func applied(to options: ReconcileOptions) -> ReconcileOptions {
        var options = options
        options.checksCommits = !partialJournal
        return options
    }
}

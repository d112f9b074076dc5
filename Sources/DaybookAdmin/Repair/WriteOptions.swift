internal import ArgumentParser
internal import Daybook
internal import DaybookOperations

/// The additional options of commands that write.
struct WriteOptions: ParsableArguments {
    @Flag(help: "Print what would be written, and write nothing.")
    var dryRun = false

    @Option(help: ArgumentHelp("Write at most so many snapshots a second.", valueName: "number"))
    var rate: Double?

    func validate() throws {
        if let rate, !(rate > 0 && rate.isFinite) { throw ValidationError("--rate is more than 0.") }
    }

    func apply(to options: inout ReconcileOptions) {
        (options.isDryRun, options.aggregatesPerSecond) = (dryRun, rate)
    }
}

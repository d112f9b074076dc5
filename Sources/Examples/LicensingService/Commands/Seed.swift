internal import ArgumentParser
internal import Daybook
internal import DaybookAdmin
internal import Foundation
internal import Licensing

struct Seed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fill the store with members and their licences, by real commands.",
        discussion: """
            The population lives in the year 2025. The same --members, --licenses and --seed give the same population, \
            to the byte: ids, events, dates. An interrupted run is completed when it is started again.

            With --bulk the commands are decided in memory, and the events and snapshots that they lead to are written \
            in large inserts.
            """
    )

    @Option(help: "How many members.") var members = 200
    @Option(help: "How many licences they acquire in all.") var licenses = 1_000
    @Option(help: "What the population is drawn from.") var seed: UInt64 = 1
    @Option(help: "At most so many commands a second.") var rate: Double?
    @Flag(help: "Decide in memory, and write in large inserts.") var bulk = false
    @OptionGroup(title: "Store") var options: StoreOptions

    func validate() throws {
        guard (1...10_000_000).contains(members) else { throw ValidationError("--members is between 1 and 10000000.") }
        guard (0...10_000_000).contains(licenses) else {
            throw ValidationError("--licenses is between 0 and 10000000.")
        }
        if let rate {
            guard rate > 0, rate.isFinite else { throw ValidationError("--rate is more than 0.") }
            guard !bulk else { throw ValidationError("--rate is about commands; with --bulk none are sent.") }
        }
    }

    func run() async throws {
        let population = Population(members: members, licenses: licenses, seed: seed)
        let progress = ProgressDisplay("licences", of: licenses, isQuiet: options.quiet)
        try await options.withStore(of: LicensingAdmin.self, configure: { $0.clock = StoryClock.commitClock }) {
            store in
            try await store.initialize()
            let start = ContinuousClock.now
            let totals: Population.Totals
            if bulk {
                let loader = store.bulkLoader()
                totals = try await population.forEach(atOnce: 4, progress) { try await loader.append($0.batch) }
                let report = try await loader.finish()
                progress.finish()
                if !options.quiet {
                    StandardError.line(
                        "\(report.events) events and \(report.snapshots) snapshots written, \(report.skippedEvents) "
                            + "events were there"
                    )
                }
            } else {
                let licensing = LicensingApplication(store: store, policies: .service)
                let pace = rate.map(Pace.init)
                totals = try await population.forEach(atOnce: 8, progress) { try await $0.tell(to: licensing, pace) }
                progress.finish()
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let elapsed = seconds.formatted(.number.precision(.fractionLength(1)).grouping(.never))
            print(
                """
                \(members) members, \(totals.licenses) licences, \(totals.accepted) commands accepted, \
                \(totals.refused) refused; \(totals.events) events in \(elapsed) s, \
                \(Int(Double(totals.events) / seconds)) a second
                """)
        }
    }
}

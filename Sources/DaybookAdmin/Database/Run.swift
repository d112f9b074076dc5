internal import ArgumentParser
internal import Daybook
internal import DaybookSubscriptions
internal import Logging
internal import ServiceLifecycle
internal import UnixSignals

/// `run`: the work of the store, until a signal ends it.
struct Run<Application: AdminApplication>: SignalHandlingCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "run",
            abstract: "Deliver events to the subscriptions and keep snapshots up to date, until SIGTERM or SIGINT.",
            discussion: """
                Several processes share the work, and take over from one that ends or dies. At a signal, what is being \
                written is finished first. Logs go to stderr.

                Exit codes: 0 ended by a signal, 2 it could not begin.
                """)
    }

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        try await options.withStore(of: Application.self) { configuration in
            if !options.quiet { configuration.logger.logLevel = min(configuration.logger.logLevel, .notice) }
        } _: { store in
            try await store.requireJournal(for: "run")
            let logger = store.configuration.logger
            let names = Application.subscriptions.map(\.name.rawValue).sorted().joined(separator: ", ")
            let announced = AnnouncedService(
                service: store, logger: logger,
                text: "running until SIGTERM or SIGINT; subscriptions: \(names.isEmpty ? "none" : names)")
            try await ServiceGroup(services: [announced], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
                .run()
            logger.notice("stopped")
        }
    }
}

/// A service that says so when it runs: its group handles signals by then.
private struct AnnouncedService: Service {
    let service: any Service
    let logger: Logger
    let text: String

    func run() async throws {
        logger.notice("\(text)")
        try await service.run()
    }
}

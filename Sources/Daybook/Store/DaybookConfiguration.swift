public import Logging
public import Metrics
public import Tracing

/// The connection and the settings of a store.
public struct DaybookConfiguration: Sendable {
    /// A MongoDB connection string, with any option that libmongoc knows. Credentials never appear in a log or an
    /// error.
    ///
    /// One reply of the server may take a minute, unless the URI sets `socketTimeoutMS`. Work that depends on the size
    /// of the data, such as building an index, has no such limit.
    public var uri: String
    /// The database of journal and snapshots. If nil, the one in the URI; `daybook` if the URI has none.
    public var database: String?
    /// The name of these connections in the server's list. The URI's `appName` takes precedence.
    public var appName: String? = "daybook"
    /// The most connections at a time, unless the URI sets `maxPoolSize`. Each has a thread. 16 keep a server of a few
    /// cores busy with short commits.
    ///
    /// At least 4 are allowed, even if this or the URI sets fewer: one for a load or a single event, one for a
    /// transaction, and two for a verification or repair, which reads journal and snapshots side by side. They are
    /// opened when they are needed. Not included are a connection for each change stream (one for each kind of
    /// ``Lifecycle/async`` aggregate while ``DaybookStore/run()`` runs, for each swap, and for each follower of the
    /// journal), and one for an index that is being built.
    public var maximumConnections = 16
    /// How long an operation waits for a free connection. 10 s: longer than any burst that is still healthy.
    public var connectionTimeout: Duration = .seconds(10)
    /// How long a commit is retried, counted from its first attempt: against other writers, and to learn its outcome
    /// when connections die. 90 s: an election of a new primary takes about 12. If a writer died in the middle of a
    /// commit, its transaction blocks its aggregates until the server aborts it, after 60 s and up to half of that
    /// again (`transactionLifetimeLimitSeconds`).
    public var commitTimeout: Duration = .seconds(90)
    /// The source of time and randomness of commits. The system's by default.
    public var clock: CommitClock = .system
    /// The names, in any case, of those ``CommandContext/headers`` that are recorded. None by default, because what is
    /// recorded can never be erased.
    public var allowedHeaders: Set<String> = []
    /// The size of an encoded state, in bytes, above which each commit logs a warning: the whole state is written with
    /// every commit. 1 MiB.
    public var stateWarningBytes = 1024 * 1024
    /// How much memory the store uses for aggregates that it has recently loaded or committed, in bytes of encoded
    /// states. 0 for none. 32 MiB.
    ///
    /// A command on such an aggregate is decided without loading it, and a load of it reads only the events since. If
    /// another process has committed since, the commit is refused and the command is decided again on the loaded
    /// aggregate, so results are the same with and without this memory. Entries are dropped after 10 s. So restore a
    /// backup while no program writes, or wait that long before programs write again.
    public var aggregateCacheBytes = 32 * 1024 * 1024
    /// The store's logger. It logs drift by aggregate id, and never the content of a document.
    public var logger = Logger(label: "daybook")
    /// The factory of the store's metrics. If nil, that of `MetricsSystem` when the store is made.
    public var metricsFactory: (any MetricsFactory)?
    /// The tracer of the store's spans. If nil, that of `InstrumentationSystem` when the store is made.
    public var tracer: (any Tracer)?

    /// See ``maximumConnections``.
    static let minimumConnections = 4

    /// A configuration with the defaults stated at each property.
    public init(uri: String, database: String? = nil) {
        self.uri = uri
        self.database = database
    }
}

/// A URI may hold a password, so no textual form of a configuration shows it.
extension DaybookConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Without the URI.
    public var description: String { "DaybookConfiguration(database: \(database ?? "the URI's"))" }

    /// Without the URI.
    public var debugDescription: String { description }

    /// Without the URI.
    public var customMirror: Mirror { Mirror(self, children: ["database": database as Any]) }
}

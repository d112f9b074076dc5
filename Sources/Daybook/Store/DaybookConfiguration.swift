public import Logging
public import Metrics
public import Tracing

/// How a store reaches its database.
public struct DaybookConfiguration: Sendable {
    /// A MongoDB connection string. Every option that libmongoc knows may be in it; credentials never appear in a log or an error.
    ///
    /// One answer of the server may take a minute unless it sets `socketTimeoutMS`. Neither holds for what takes as long as the data is large, as
    /// building an index does.
    public var uri: String
    /// The database of journal and snapshots. The one the URI names unless set; `daybook` when neither does.
    public var database: String?
    /// How the server lists these connections. The URI's `appName` wins.
    public var appName: String? = "daybook"
    /// The most connections at a time unless the URI sets `maxPoolSize`; each has a thread. 16 keep one server of a few cores busy with short
    /// commits.
    ///
    /// There are at least 4, also where this or the URI says less: one for a load or a single event, one for a transaction, and two for a
    /// verification or repair, which reads journal and snapshots side by side. They are opened when they are needed. Not counted are a
    /// connection for each change stream (one for each kind of ``Lifecycle/async`` aggregate while ``DaybookStore/run()`` looks after it, for each
    /// swap, and for each follower of the journal), and one for an index that is being built.
    public var maximumConnections = 16
    /// How long an operation waits for a free connection. 10 s: longer than any burst that is still healthy.
    public var connectionTimeout: Duration = .seconds(10)
    /// How long a commit is tried for, counted from its first attempt: against other writers, and to learn its outcome when connections die.
    /// 90 s: an election of a new primary takes about 12, and the transaction of a writer that died in mid-commit holds its aggregates until the
    /// server gives it up, after 60 s and up to half of that again (`transactionLifetimeLimitSeconds`).
    public var commitTimeout: Duration = .seconds(90)
    /// Time and randomness of commits; the system's.
    public var clock: CommitClock = .system
    /// Which of ``CommandContext/headers`` are recorded, by their names in any case. None unless named: what is recorded is there for good.
    public var allowedHeaders: Set<String> = []
    /// The size of an encoded state, in bytes, over which each commit logs a warning: it is rewritten with every commit. 1 MiB.
    public var stateWarningBytes = 1024 * 1024
    /// How much the store keeps in memory of the aggregates that it has loaded or committed to lately, in bytes of encoded states; 0 for
    /// nothing. 32 MiB.
    ///
    /// A command on such an aggregate is decided without loading it, and a load of it reads only what the journal has since. Where another
    /// process has committed since, the commit is refused and the command decided again on what is loaded, so results are the same with and
    /// without. What is kept is forgotten after 10 s: restore a backup while no program writes, or wait so long before they write again.
    public var aggregateCacheBytes = 32 * 1024 * 1024
    /// Where the store logs: drift that it met, by aggregate id, never what a document holds.
    public var logger = Logger(label: "daybook")
    /// Where the store counts; what `MetricsSystem` has when the store is made, unless set.
    public var metricsFactory: (any MetricsFactory)?
    /// Where the store's spans go; what `InstrumentationSystem` has when the store is made, unless set.
    public var tracer: (any Tracer)?

    /// See ``maximumConnections``.
    static let minimumConnections = 4

    /// A configuration with the defaults stated at each property.
    public init(uri: String, database: String? = nil) {
        self.uri = uri
        self.database = database
    }
}

/// A URI may hold a password, so no way of printing a configuration shows it.
extension DaybookConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Without the URI.
    public var description: String { "DaybookConfiguration(database: \(database ?? "the URI's"))" }

    /// Without the URI.
    public var debugDescription: String { description }

    /// Without the URI.
    public var customMirror: Mirror { Mirror(self, children: ["database": database as Any]) }
}

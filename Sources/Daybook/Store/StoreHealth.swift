/// Whether a store can work now; see ``DaybookStore/health()``.
public struct StoreHealth: Sendable, Hashable {
    /// Something that is wrong.
    public struct Fault: Sendable, Hashable {
        /// What is wrong, by a name: `server`, `tail`, `subscription`. Later versions may add names.
        public let part: String
        /// The subscription that it is about; nil where it is about the whole store.
        public let subscription: String?
        /// One sentence for people.
        public let message: String

        package init(part: String, subscription: String? = nil, message: String) {
            self.part = part
            self.subscription = subscription
            self.message = message
        }
    }

    /// What is wrong; empty when nothing is.
    public let faults: [Fault]

    /// Whether nothing is wrong.
    public var isHealthy: Bool { faults.isEmpty }

    /// Whether the server answers, so that commands can be executed.
    public var isAvailable: Bool { !faults.contains { $0.part == "server" } }

    package init(_ faults: [Fault]) {
        self.faults = faults
    }
}

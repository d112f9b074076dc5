internal import Daybook
internal import Metrics

/// The metrics of one subscription. Each has the dimension `subscription`.
struct DeliveryMetrics: Sendable {
    /// Events that were handled.
    let delivered: Counter
    /// Attempts that were repeated.
    let retries: Counter
    /// Aggregates that were parked.
    let parked: Counter
    /// How often partitions were acquired.
    let leases: Counter
    /// How many seconds ago the last handled event was recorded when it was handled.
    let lag: Gauge
    /// How long a batch took.
    let duration: Timer

    init(_ name: SubscriptionName, _ telemetry: Telemetry) {
        let dimensions = [("subscription", name.rawValue)]
        func counter(_ label: String) -> Counter {
            Counter(label: "daybook.subscription.\(label)", dimensions: dimensions, factory: telemetry.factory)
        }
        delivered = counter("delivered")
        retries = counter("retries")
        parked = counter("parked")
        leases = counter("leases")
        lag = Gauge(label: "daybook.subscription.lag", dimensions: dimensions, factory: telemetry.factory)
        duration = Timer(label: "daybook.subscription.duration", dimensions: dimensions, factory: telemetry.factory)
    }
}

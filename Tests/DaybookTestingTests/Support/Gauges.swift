import Daybook
import Foundation

/// The aggregate `gauge` as one program after the other declares it.
protocol AnyGauge: Aggregate where Event == GaugeEvent, Command == Never, Rejection == Never {}

enum GaugeEvent: Codable, Sendable { case read(value: Double, at: Date), labelled(labels: [String: String]) }

extension AnyGauge {
    static var type: AggregateType { "gauge" }
    func decide(_ command: Never, at now: Date) -> [GaugeEvent] {}
}

/// The first program.
struct Gauge: AnyGauge {
    var last: Double?
    var count = 0
    var labels: [String: String] = [:]
    init() {}

    mutating func apply(_ event: GaugeEvent) {
        switch event {
        case .read(let value, _): (last, count) = (value, count + 1)
        case .labelled(let labels): self.labels = labels
        }
    }
}

/// The next one renames a field, and declares nothing.
struct RenamedGauge: AnyGauge {
    var latest: Double?
    var count = 0
    var labels: [String: String] = [:]
    init() {}

    mutating func apply(_ event: GaugeEvent) {
        switch event {
        case .read(let value, _): (latest, count) = (value, count + 1)
        case .labelled(let labels): self.labels = labels
        }
    }
}

/// The one that declares its change.
struct RaisedGauge: AnyGauge {
    static var stateSchema: Int32 { 2 }
    var latest: Double?
    init() {}
    mutating func apply(_ event: GaugeEvent) { if case .read(let value, _) = event { latest = value } }
}

/// The one that writes its readings otherwise, and no labels any more.
struct UpcastGauge: Aggregate {
    enum Event: Codable, Sendable { case measured(reading: Double, unit: String) }
    static let type: AggregateType = "gauge"
    static let stateSchema: Int32 = 2
    static let upcasters: [Upcaster] = [
        .retire("labelled"), .rename("read", to: "measured"),
        .transform("measured", from: 1) { (old: Old) in New(reading: old.value, unit: "V") },
    ]
    struct Old: Codable { var value: Double }
    struct New: Codable { var reading: Double, unit: String }

    var readings: [Double] = []
    var unit: String?
    init() {}
    mutating func apply(_ event: Event) {
        if case .measured(let reading, let unit) = event {
            readings.append(reading)
            self.unit = unit
        }
    }
    func decide(_ command: Double, at now: Date) throws(Never) -> [Event] { [.measured(reading: command, unit: "V")] }
}

/// The one that cannot read what was stored.
struct NarrowGauge: Aggregate {
    enum Event: Codable, Sendable { case read(value: Double, at: Date) }
    static let type: AggregateType = "gauge"
    init() {}
    mutating func apply(_ event: Event) {}
    func decide(_ command: Never, at now: Date) throws(Never) -> [Event] {}
}

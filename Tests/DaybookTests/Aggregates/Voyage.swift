import Daybook
import DaybookBSON
import Foundation

/// An aggregate whose events have come a long way.
struct Voyage: Passive, Equatable {
    struct Berth: Codable, Sendable, Equatable {
        var pier: String
        var number: Int
    }

    enum Event: Codable, Sendable, Equatable {
        case departed(port: String, at: Date)
        case loaded(kilograms: Double)
        /// Stored flat.
        case moored(Berth)
        case inspected(passed: Bool)
        case fuelled(liters: Double)
        case weighed(kilograms: Double)
        case painted(color: String)
        case named(name: String)
        case sunk
    }

    struct NegativeWeight: Error { let secret: Double }

    struct DepartedFromPort: Codable { var port: String }
    struct DepartedAt: Codable {
        var port: String
        var at: Date
    }
    struct LoadedInTons: Codable { var tons: Double }
    struct Loaded: Codable { var kilograms: Double }

    static let launch = Date(timeIntervalSince1970: 1_000_000_000)

    static let type: AggregateType = "voyage"
    static let upcasters: [Upcaster] = [
        .transform("departed", from: 1, document: { old in ["port": old["harbour"] ?? .null] }),
        .transform("departed", from: 2) { (old: DepartedFromPort) in DepartedAt(port: old.port, at: launch) },
        .transform("loaded", from: 1) { (old: LoadedInTons) throws in
            guard old.tons >= 0 else { throw NegativeWeight(secret: old.tons) }
            return Loaded(kilograms: old.tons * 1_000)
        },
        .rename("docked", to: "moored"),
        .rename("anchored", from: 2, to: "moored", schema: 2),
        .transform("moored", from: 1, document: { old in ["pier": old["berth"] ?? .null, "number": 1] }),
        .retire("inspected", through: 1),
        .retire("pinged"),
        // Without one from 1.
        .transform("fuelled", from: 2, document: { $0 }),
        // Forgets what there was.
        .transform("weighed", from: 1, document: { _ in [:] }),
        // Brought back under its old name for something else.
        .rename("painted", from: 1, to: "coated"),
        .rename("coated", to: "varnished"),
        .transform("varnished", from: 1, document: { ["color": $0["gloss"] ?? .null] }),
        .rename("varnished", from: 2, to: "painted", schema: 2),
    ]

    var log: [String] = []

    init() {}

    mutating func apply(_ event: Event) { log.append("\(event)") }
}

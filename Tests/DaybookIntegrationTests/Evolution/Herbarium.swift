import Daybook
import Foundation
import IntegrationSupport

/// An aggregate of all that could make bytes depend on how they came about: dates finer than a millisecond,
/// dictionaries and sets, which have no order, and optionals within optionals.
struct Herbarium<Kept: Keeping>: Aggregate, Equatable {
    struct Plant: Codable, Sendable, Hashable {
        var name: String
        var foundAt: Date
        var places: Set<String>
        var height: Double??
    }

    enum Event: Codable, Sendable {
        case collected(Plant)
        case labelled(labels: [String: [Int: String]])
        case dried(at: Date, rooms: Set<Int>)
        case measured(height: Double??)
        case emptied
    }

    enum Command: Sendable {
        case record([Event])
    }

    enum Rejection: Error {}

    static var type: AggregateType { "herbarium" }
    static var lifecycle: Lifecycle { Kept.lifecycle }

    var plants: Set<Plant> = []
    var byName: [String: Plant] = [:]
    var byHour: [Date: Set<String>] = [:]
    var labels: [String: [Int: String]] = [:]
    var driedAt: [Date] = []
    var rooms: [Int: Int] = [:]
    var heights: [Double??] = []
    var last: Plant??

    init() {}

    mutating func apply(_ event: Event) {
        switch event {
        case .collected(let plant):
            plants.insert(plant)
            byName[plant.name] = plant
            byHour[plant.foundAt, default: []].formUnion(plant.places)
            last = plant
        case .labelled(let labels): self.labels.merge(labels) { $0.merging($1) { $1 } }
        case .dried(let date, let rooms):
            driedAt.append(date)
            for room in rooms { self.rooms[room, default: 0] += 1 }
        case .measured(let height): heights.append(height)
        case .emptied:
            plants = []
            last = .some(nil)
        }
    }

    func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
        switch command {
        case .record(let events): events
        }
    }

    static func events(using generator: inout some RandomNumberGenerator) -> [Event] {
        func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &generator) }
        func date() -> Date {
            Date(timeIntervalSince1970: 1_700_000_000 + Double.random(in: -1e9...1e9, using: &generator))
        }
        func texts() -> Set<String> { Set((0..<number(0...6)).map { _ in "t\(number(0...9))é" }) }
        func height() -> Double?? {
            [nil, .some(nil), .some(Double(number(0...9)) / 3)].randomElement(using: &generator) ?? nil
        }
        return (0..<number(1...4)).map { _ in
            switch number(0...9) {
            case 0...3: .collected(Plant(name: "n\(number(0...5))", foundAt: date(), places: texts(), height: height()))
            case 4...5:
                .labelled(
                    labels: Dictionary(
                        texts().map { ($0, Dictionary([(number(-5...5), "x"), (number(-5...5), "y")]) { $1 }) }
                    ) { $1 })
            case 6...7: .dried(at: date(), rooms: Set((0..<number(0...8)).map { _ in number(-20...20) }))
            case 8: .measured(height: height())
            default: .emptied
            }
        }
    }
}

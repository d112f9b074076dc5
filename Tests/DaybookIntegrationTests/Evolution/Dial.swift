import Daybook
import DaybookBSON
import Foundation

/// The raises of a `stateSchema`, one declaration each.
protocol DialVersion: Sendable {
    static var stateSchema: Int32 { get }
    static var correctionUpcasters: [CorrectionUpcaster] { get }
    /// What the value is kept in: corrections name it.
    static var unit: Int { get }
}

enum FirstDial: DialVersion {
    static var stateSchema: Int32 { 1 }
    static var correctionUpcasters: [CorrectionUpcaster] { [] }
    static var unit: Int { 1 }
}

/// Forgot to say what becomes of corrections.
enum ForgetfulDial: DialVersion {
    static var stateSchema: Int32 { 2 }
    static var correctionUpcasters: [CorrectionUpcaster] { [] }
    static var unit: Int { 1 }
}

enum UnchangedDial: DialVersion {
    static var stateSchema: Int32 { 2 }
    static var correctionUpcasters: [CorrectionUpcaster] { [.unchanged(from: 1)] }
    static var unit: Int { 1 }
}

/// Keeps thousandths.
enum FineDial: DialVersion {
    static var stateSchema: Int32 { 3 }
    static var correctionUpcasters: [CorrectionUpcaster] {
        [
            .unchanged(from: 1),
            .transform(from: 2) { old in
                guard case .int64(let value) = old["value"] else { throw NoValue() }
                return ["value": .int64(value * 1_000)]
            },
        ]
    }
    static var unit: Int { 1_000 }

    struct NoValue: Error {}
}

/// A value that is turned, or put right by hand.
struct Dial<Version: DialVersion>: Aggregate, Equatable {
    enum Event: Codable, Sendable { case turned(by: Int) }
    enum Command: Codable, Sendable { case turn(Int) }
    enum Rejection: Error {}

    static var type: AggregateType { "dial" }
    static var stateSchema: Int32 { Version.stateSchema }
    static var correctionUpcasters: [CorrectionUpcaster] { Version.correctionUpcasters }

    var value = 0
    var label: String?

    init() {}

    mutating func apply(_ event: Event) {
        switch event {
        case .turned(let amount): value += amount * Version.unit
        }
    }

    func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
        switch command {
        case .turn(let amount): [.turned(by: amount)]
        }
    }
}

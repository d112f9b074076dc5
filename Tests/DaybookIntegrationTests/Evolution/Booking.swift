import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport

/// A booking as the version of a program has it that is being replaced.
struct OldBooking<Kept: Keeping>: Aggregate, Equatable {
    enum Event: Codable, Sendable, Equatable {
        case booked(seats: Int)
        case cancelled(seats: Int)
    }

    enum Command: Sendable {
        case book(Int)
        case cancel(Int)
    }

    enum Rejection: Error {}

    static var type: AggregateType { "booking" }
    static var lifecycle: Lifecycle { Kept.lifecycle }
    static var fields: [Field<OldBooking>] { [Field("seats", \.seats)] }

    var seats = 0
    var entries = 0

    init() {}

    mutating func apply(_ event: Event) {
        entries += 1
        switch event {
        case .booked(let seats): self.seats += seats
        case .cancelled(let seats): self.seats -= seats
        }
    }

    func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
        switch command {
        case .book(let seats): [.booked(seats: seats)]
        case .cancel(let seats): [.cancelled(seats: seats)]
        }
    }
}

/// The same as the version has it that is being rolled out: a new field in an event, a new event, another state.
struct NewBooking<Kept: Keeping>: Aggregate, Equatable {
    enum Event: Codable, Sendable, Equatable {
        case booked(seats: Int, cabin: String)
        case cancelled(seats: Int)
        case upgraded(cabin: String)
    }

    enum Command: Sendable {
        case book(Int)
        case cancel(Int)
        case upgrade(String)
    }

    enum Rejection: Error {}

    static var type: AggregateType { "booking" }
    static var lifecycle: Lifecycle { Kept.lifecycle }
    static var stateSchema: Int32 { 2 }
    static var fields: [Field<NewBooking>] { [Field("seats", \.seats)] }
    static var upcasters: [Upcaster] {
        [
            .transform(
                "booked", from: 1,
                document: { old in
                    var new = old
                    try new.append("cabin", "any")
                    return new
                })
        ]
    }

    var seats = 0
    var entries = 0
    var cabins: [String] = []

    init() {}

    mutating func apply(_ event: Event) {
        entries += 1
        switch event {
        case .booked(let seats, let cabin):
            self.seats += seats
            cabins.append(cabin)
        case .cancelled(let seats): self.seats -= seats
        case .upgraded(let cabin): cabins = [cabin]
        }
    }

    func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
        switch command {
        case .book(let seats): [.booked(seats: seats, cabin: "aft")]
        case .cancel(let seats): [.cancelled(seats: seats)]
        case .upgrade(let cabin): [.upgraded(cabin: cabin)]
        }
    }
}

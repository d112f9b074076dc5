import Daybook
import DaybookSubscriptions
import Foundation
import SampleAggregates

/// A projection of adders: the document of one has the first letter of its key.
protocol AdderProjection: Projection where Document == Numbers {
    static func apply(_ event: AddEvent, to numbers: inout Numbers) throws
}

struct Numbers: Queryable, Equatable {
    var total = 0
    var last: Int?
    static let fields: [Field<Numbers>] = [Field("total", \.total)]
}

extension AdderProjection {
    static var name: SubscriptionName { "numbers" }
    static var sources: [EventSource<Self>] {
        [
            .events(of: Sum.self, key: { String($0.aggregateID.key.prefix(1)) }) { adder, numbers in
                if let event = adder.event { try apply(event, to: &numbers) }
            }
        ]
    }
}

/// A right one.
enum Total: AdderProjection {
    static func apply(_ event: AddEvent, to numbers: inout Numbers) { numbers.total += event.amount }
}

/// It changes nothing.
enum Idle: AdderProjection {
    static func apply(_ event: AddEvent, to numbers: inout Numbers) {}
}

/// The event that comes last decides.
enum LastAmount: AdderProjection {
    static func apply(_ event: AddEvent, to numbers: inout Numbers) { numbers.last = event.amount }
}

/// One adder's reset is that of all.
enum SharedReset: AdderProjection {
    static func apply(_ event: AddEvent, to numbers: inout Numbers) {
        if case .reset = event { numbers.total = 0 } else { numbers.total += event.amount }
    }
}

/// A reset must find something.
enum Demanding: AdderProjection {
    struct NothingThere: Error {}

    static func apply(_ event: AddEvent, to numbers: inout Numbers) throws {
        if case .reset = event, numbers.total == 0 { throw NothingThere() }
        numbers.total += event.amount
    }
}

/// `apply` is left to chance.
enum Guess: AdderProjection {
    static func apply(_ event: AddEvent, to numbers: inout Numbers) { numbers.total = Int.random(in: .min ... .max) }
}

/// What is not encoded decides what becomes of the document.
enum Absentminded: Projection {
    struct Document: Queryable {
        private enum CodingKeys: CodingKey { case total }
        var total = 0
        var previous = 0
        init() {}
    }

    static let name: SubscriptionName = "absentminded"
    static var sources: [EventSource<Absentminded>] {
        [
            .events(of: Sum.self, key: { _ in "all" }) { adder, document in
                document.total += document.previous
                document.previous = adder.event?.amount ?? 0
            }
        ]
    }
}

/// Its field has the name that its property has, and not the one that it is encoded under.
enum Mislabelled: Projection {
    struct Document: Queryable {
        private enum CodingKeys: String, CodingKey { case total = "sum" }
        var total = 0
        static let fields: [Field<Document>] = [Field("total", \.total)]
        init() {}
    }

    static let name: SubscriptionName = "mislabelled"
    static var sources: [EventSource<Mislabelled>] {
        [.events(of: Sum.self, key: { _ in "all" }) { adder, document in document.total += adder.event?.amount ?? 0 }]
    }
}

/// An event changes a document for each letter of its adder's key, and that of all adders twice.
enum ByLetter: Projection {
    struct Document: Queryable, Equatable {
        var total = 0
    }

    static let name: SubscriptionName = "by-letter"
    static var sources: [EventSource<ByLetter>] {
        [
            .events(of: Sum.self, keys: { $0.aggregateID.key.map(String.init) + ["all"] }) { adder, _, document in
                document.total += adder.event?.amount ?? 0
            },
            .events(of: Sum.self, key: { _ in "all" }) { adder, document in document.total += adder.event?.amount ?? 0
            },
        ]
    }
}

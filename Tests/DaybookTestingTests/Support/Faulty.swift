import Daybook
import Foundation

/// What the faulty aggregates below have in common: a number that is added to.
enum AddEvent: Codable, Sendable { case added(amount: Int), reset }
enum AddCommand: Sendable { case add(Int), addTwice(Int), reset }

/// Not `Equatable`.
struct AddRejection: Error { var limit: Int }

protocol Adder: Aggregate where Event == AddEvent, Command == AddCommand, Rejection == AddRejection {}

extension Adder {
    static var type: AggregateType { "adder" }

    func decide(_ command: AddCommand, at now: Date) throws(AddRejection) -> [AddEvent] {
        switch command {
        case .add(let amount):
            guard amount < 100 else { throw AddRejection(limit: 100) }
            return [.added(amount: amount)]
        case .addTwice(let amount): return [.added(amount: amount), .added(amount: amount)]
        case .reset: return [.reset]
        }
    }
}

extension AddEvent {
    var amount: Int { if case .added(let amount) = self { amount } else { 0 } }
}

/// A right one, with an unordered collection of each kind.
struct Sum: Adder {
    var total = 0
    var amounts: Set<Int> = []
    var counts: [String: Int] = [:]
    init() {}

    mutating func apply(_ event: AddEvent) {
        total += event.amount
        amounts.insert(event.amount)
        counts["\(event.amount)", default: 0] += 1
    }
}

/// `apply` looks at the clock.
struct ClockReader: Adder {
    var changedAt: Date?
    init() {}
    mutating func apply(_ event: AddEvent) { changedAt = Date() }
}

/// `apply` is left to chance.
struct Gambler: Adder {
    var number = 0
    init() {}
    mutating func apply(_ event: AddEvent) { number = Int.random(in: .min ... .max) }
}

/// Makes an array of a set, in the order of that one set.
struct Shuffled: Adder {
    var amounts: Set<Int> = []
    var list: [Int] = []
    init() {}

    mutating func apply(_ event: AddEvent) {
        amounts.insert(event.amount)
        list = Array(amounts)
    }
}

/// What is not encoded decides what becomes of the state.
struct Forgetful: Adder {
    private enum CodingKeys: CodingKey { case total }
    var total = 0
    var previous = 0
    init() {}

    mutating func apply(_ event: AddEvent) {
        if case .reset = event { total = previous }
        total += event.amount
        previous = event.amount
    }
}

/// What is not encoded decides what is decided.
struct Absent: Adder {
    private enum CodingKeys: CodingKey { case total }
    var total = 0
    var isUsed = false
    init() {}

    mutating func apply(_ event: AddEvent) {
        total += event.amount
        isUsed = true
    }

    func decide(_ command: AddCommand, at now: Date) throws(AddRejection) -> [AddEvent] {
        guard isUsed else { throw AddRejection(limit: 0) }
        return [.added(amount: 1)]
    }
}

/// Each time it is decoded, something is lost.
struct Leaky: Adder {
    struct Half: Codable, Sendable {
        var value: Int

        init(_ value: Int) { self.value = value }

        init(from decoder: any Decoder) throws { value = try decoder.singleValueContainer().decode(Int.self) / 2 }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(value)
        }
    }

    var total = Half(0)
    init() {}
    mutating func apply(_ event: AddEvent) { total.value += event.amount }
}

/// It cannot be decoded from what it encodes as.
struct OneWay: Adder {
    var total = 0
    init() {}
    init(from decoder: any Decoder) throws {
        throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: ""))
    }
    mutating func apply(_ event: AddEvent) { total += event.amount }
}

/// `decide` is left to chance.
struct Moody: Adder {
    var total = 0
    init() {}
    mutating func apply(_ event: AddEvent) { total += event.amount }
    func decide(_ command: AddCommand, at now: Date) throws(AddRejection) -> [AddEvent] {
        [.added(amount: Int.random(in: 0...Int.max))]
    }
}

/// Its events do not come back as they were.
struct Trimmer: Aggregate {
    struct Name: Codable, Sendable {
        var text: String
        init(_ text: String) { self.text = text }
        init(from decoder: any Decoder) throws {
            text = try decoder.singleValueContainer().decode(String.self).trimmingCharacters(in: .whitespaces)
        }
        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(text)
        }
    }

    enum Event: Codable, Sendable { case named(name: Name), numbered(number: Double) }

    static let type: AggregateType = "trimmer"
    var name = ""
    init() {}
    mutating func apply(_ event: Event) { if case .named(let name) = event { self.name = name.text } }
    func decide(_ command: Name, at now: Date) throws(Never) -> [Event] { [.named(name: command)] }
}

/// Its field has the name that its property has, and not the one that it is encoded under.
struct Misnamed: Adder {
    private enum CodingKeys: String, CodingKey { case total = "sum" }
    static let fields: [Field<Misnamed>] = [Field("total", \.total)]
    var total = 0
    init() {}
    mutating func apply(_ event: AddEvent) { total += event.amount }
}

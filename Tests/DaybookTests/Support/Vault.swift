import Daybook
import Foundation

/// An aggregate whose every value is a secret, and which can fail to be coded in many ways.
struct Vault: Aggregate {
    enum Colour: String, Codable, Sendable { case red }

    /// Its own decoder says too much.
    struct Talkative: Codable, Sendable {
        var text: String

        init(text: String) { self.text = text }

        init(from decoder: any Decoder) throws {
            text = try decoder.singleValueContainer().decode(String.self)
            throw TalkativeError(text: text)
        }

        func encode(to encoder: any Encoder) throws { throw TalkativeError(text: text) }
    }

    struct TalkativeError: Error, CustomStringConvertible {
        var text: String
        var description: String { "what is this: \(text)" }
    }

    enum Event: Codable, Sendable {
        case texted(text: String)
        case numbered(number: UInt64)
        case narrowed(number: Int8)
        case dated(date: Date)
        case coloured(colour: Colour)
        case identified(id: UUID)
        case linked(url: URL)
        case priced(price: Decimal)
        case mapped(values: [String: Int])
        case talked(talk: Talkative)
        case toggled(isOn: Bool)
        case listed(list: [Int])
    }

    enum Rejection: Error {}

    static let type: AggregateType = "vault"
    var number: UInt64 = 0

    init() {}

    mutating func apply(_ event: Event) {
        if case .numbered(let number) = event { self.number = number }
    }

    func decide(_ command: Event, at now: Date) throws(Rejection) -> [Event] { [command] }
}

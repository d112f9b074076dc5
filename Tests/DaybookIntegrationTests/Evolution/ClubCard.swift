import Daybook
import DaybookBSON
import Foundation

/// A membership as it is today, two generations after the first of its events were written.
///
/// - In the first generation fees and payments were euros as floating-point numbers, a renewal was `extended`, a
///   check-in `visited`, and the state was `{ name, balance, fee, visits }`.
/// - In the second they became cents, the events got their present names, and the state became `{ name, balanceCents,
///   feeCents, ... }`.
/// - In the third, today's, the name moved into a holder, a renewal says until when, and `flagged` came back with a
///   reason.
struct ClubCard: Aggregate, Equatable {
    struct Holder: Codable, Sendable, Equatable {
        var name = ""
        var tier: String?
    }

    enum Event: Codable, Sendable, Equatable {
        case joined(holder: Holder, feeCents: Int)
        case paid(cents: Int, currency: String)
        case renewed(until: Date)
        case checkedIn(at: Date?)
        case flagged(reason: String)
        case left
    }

    enum Command: Codable, Sendable { case pay(cents: Int) }
    enum Rejection: Error {}

    private struct PaidEuros: Decodable { var amount: Double }
    private struct PaidCents: Codable { var cents: Int }
    private struct Paid: Codable { var cents: Int, currency: String }
    private struct JoinedForCents: Decodable { var name: String, feeCents: Int }
    private struct Joined: Encodable { var holder: Holder, feeCents: Int }
    private struct RenewedForDays: Decodable { var from: Date, days: Int }
    private struct Renewed: Encodable { var until: Date }

    static let type: AggregateType = "membership"
    static let stateSchema: Int32 = 3
    static let fields: [Field<ClubCard>] = [Field("visits", \.visits), Field("balanceCents", \.balanceCents)]

    static let upcasters: [Upcaster] = [
        .transform(
            "joined", from: 1, document: { old in ["name": old["name"] ?? .null, "feeCents": try cents(old["fee"])] }),
        .transform("joined", from: 2) { (old: JoinedForCents) in
            Joined(holder: Holder(name: old.name), feeCents: old.feeCents)
        },
        .transform("paid", from: 1) { (old: PaidEuros) in PaidCents(cents: Int((old.amount * 100).rounded())) },
        .transform("paid", from: 2) { (old: PaidCents) in Paid(cents: old.cents, currency: "EUR") },
        .rename("extended", to: "renewed"),
        .transform("renewed", from: 1) { (old: RenewedForDays) in
            Renewed(until: old.from.addingTimeInterval(Double(old.days) * 86_400))
        },
        .rename("visited", to: "checkedIn"),
        .retire("pinged"),
        .retire("flagged", through: 1),
    ]

    static let correctionUpcasters: [CorrectionUpcaster] = [
        .transform(from: 1) { old in
            var patch = BSONDocument()
            if let name = old["name"] { try patch.append("name", name) }
            if let balance = old["balance"] { try patch.append("balanceCents", cents(balance)) }
            if let fee = old["fee"] { try patch.append("feeCents", cents(fee)) }
            return patch
        },
        .transform(from: 2) { old in
            var patch = BSONDocument()
            for key in ["balanceCents", "feeCents", "notes"] {
                if let value = old[key] { try patch.append(key, value) }
            }
            if let name = old["name"] { try patch.append("holder", ["name": name]) }
            return patch
        },
    ]

    private struct NoAmount: Error {}

    private static func cents(_ euros: BSONValue?) throws -> BSONValue {
        guard case .double(let euros) = euros else { throw NoAmount() }
        return .int64(Int64((euros * 100).rounded()))
    }

    var holder = Holder()
    var feeCents = 0
    var balanceCents = 0
    var notes: [String] = []
    var visits = 0
    var until: Date?
    var isActive = false

    init() {}

    mutating func apply(_ event: Event) {
        switch event {
        case .joined(let holder, let feeCents): (self.holder, self.feeCents, isActive) = (holder, feeCents, true)
        case .paid(let cents, _): balanceCents += cents
        case .renewed(let date): until = date
        case .checkedIn: visits += 1
        case .flagged(let reason): notes.append(reason)
        case .left: isActive = false
        }
    }

    func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
        switch command {
        case .pay(let cents): [.paid(cents: cents, currency: "EUR")]
        }
    }
}

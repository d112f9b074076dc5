import Daybook
import Foundation

/// An aggregate with a field of every kind that queries and codecs meet.
struct Parcel: Aggregate, Equatable {
    enum Status: String, Codable, Sendable, CaseIterable { case packed, sent, lost }

    struct Address: Codable, Sendable, Hashable {
        var city: String
        var zip: String?
    }

    enum Event: Codable, Sendable, Equatable {
        case packed(note: String, weight: Double)
        /// One unlabelled payload: stored flat.
        case sent(Address)
        case scanned(at: Date)
        case labelled(labels: [String: String])
        case lost
    }

    enum Command: Sendable { case pack(note: String), send(Address), lose }
    enum Rejection: Error, Equatable { case alreadyLost }

    static let type: AggregateType = "parcel"
    static let fields: [Field<Parcel>] = [
        Field("status", \.status, indexed: true), Field("note", \.note), Field("weight", \.weight),
        Field("scans", \.scans),
        Field("lastScanAt", \.lastScanAt, indexed: true), Field("address", \.address),
        Field("origin.city", \.origin.city),
        Field("owner", \.owner), Field("big", \.big),
    ]

    var status = Status.packed
    var note = ""
    var weight = 0.0
    var scans = 0
    var lastScanAt: Date?
    var address: Address?
    var origin = Address(city: "Ulm")
    var owner: UUID?
    var big: UInt64 = 0
    var labels: [String: String] = [:]
    var undeclared = 0

    init() {}

    mutating func apply(_ event: Event) {
        switch event {
        case .packed(let note, let weight): (self.note, self.weight) = (note, weight)
        case .sent(let address): (status, self.address) = (.sent, address)
        case .scanned(let date): (scans, lastScanAt) = (scans + 1, date)
        case .labelled(let labels): self.labels = labels
        case .lost: status = .lost
        }
    }

    func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
        guard status != .lost else { throw .alreadyLost }
        return switch command {
        case .pack(let note): [.packed(note: note, weight: 1)]
        case .send(let address): [.sent(address), .scanned(at: now)]
        case .lose: [.lost]
        }
    }
}

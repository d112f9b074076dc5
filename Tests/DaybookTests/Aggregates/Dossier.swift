import Daybook
import DaybookBSON
import Foundation

/// An aggregate with a field of every shape that a correction may meet.
struct Dossier: Passive, Equatable {
    struct Price: Codable, Sendable, Hashable {
        var amount = 0
        var currency = "EUR"
        var note: String?
    }

    enum Event: Codable, Sendable {
        case opened(title: String)
        case priced(amount: Int)
    }

    static let type: AggregateType = "dossier"

    var title = ""
    var price = Price()
    var lines: [Price] = []
    var numbers: [Int?] = []
    var tags: Set<String> = []
    var labels: [String: Int] = [:]
    var byNumber: [Int: Price] = [:]
    var dueAt: Date?
    var rate = 1.0
    var small: Int32?
    var total = Decimal(0)
    var owner: UUID?
    var isOpen = true

    init() {}

    mutating func apply(_ event: Event) {
        switch event {
        case .opened(let title): self.title = title
        case .priced(let amount): price.amount = amount
        }
    }
}

extension Dossier {
    /// Any state, the same for the same generator.
    static func random(using generator: inout some RandomNumberGenerator) -> Dossier {
        func number() -> Int { .random(in: -3...3, using: &generator) }
        func text() -> String { ["", "a", "b.c", "é", "$d", "long text"].randomElement(using: &generator) ?? "" }
        func price() -> Price { Price(amount: number(), currency: text(), note: number() > 0 ? text() : nil) }
        func several<T>(_ make: () -> T) -> [T] { (0..<Int.random(in: 0...3, using: &generator)).map { _ in make() } }
        var dossier = Dossier()
        dossier.title = text()
        dossier.price = price()
        dossier.lines = several(price)
        dossier.numbers = several { number() > 0 ? number() : nil }
        dossier.tags = Set(several(text))
        dossier.labels = Dictionary(several { ("k\(number())", number()) }) { first, _ in first }
        dossier.byNumber = Dictionary(several { (number(), price()) }) { first, _ in first }
        dossier.dueAt = number() > 0 ? Date(timeIntervalSince1970: Double(number()) * 1e8 + 0.000_4) : nil
        dossier.rate = [0.1, 0, -0.0, 2.5, 1e300, .infinity].randomElement(using: &generator) ?? 1
        dossier.small = number() > 0 ? Int32(number()) : nil
        dossier.total = Decimal(number()) / 100
        dossier.owner = number() > 0 ? UUID(milliseconds: 7, upper: 1, lower: UInt64(bitPattern: Int64(number()))) : nil
        dossier.isOpen = number() > 0
        return dossier
    }
}

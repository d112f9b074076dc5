internal import Foundation

/// The values that the scenario `codec` encodes and decodes.
enum CodecSamples {
    static let date = Date(timeIntervalSince1970: 1_764_000_000.125)

    static let small = SmallEvent.added(amount: 42)

    static let sixFields = LoanEvent.opened(
        member: "member-000042", device: "device-7f3a", title: "The Long Way Round", studio: "studio-12",
        expiresAt: date,
        policyVersion: 3)

    static let nested: ReportEvent = .filed(report: report)

    static let report: Report = {
        var report = Report()
        report.lines = (0..<100).map { Report.Line(article: "article-\($0)", count: $0 % 7, price: Double($0) * 1.25) }
        return report
    }()

    static let state: LoanState = {
        var state = LoanState()
        state.status = .playing
        (state.member, state.device, state.title, state.studio) = (
            "member-000042", "device-7f3a", "The Long Way Round", "studio-12"
        )
        (state.expiresAt, state.firstPlayedAt, state.lastPlayedAt) = (date, date, date)
        (state.renewals, state.plays, state.policyVersion) = (2, 17, 3)
        return state
    }()
}

/// An enum of few small cases.
enum SmallEvent: Codable, Sendable, Equatable {
    case added(amount: Int)
    case cleared
}

/// The event that the targets are about: six fields.
enum LoanEvent: Codable, Sendable, Equatable {
    case opened(member: String, device: String, title: String, studio: String, expiresAt: Date, policyVersion: Int)
    case renewed(expiresAt: Date)
    case closed(reason: String)
}

/// A state of 13 fields, some of them optional.
struct LoanState: Codable, Sendable, Equatable {
    enum Status: String, Codable, Sendable { case open, playing, closed }

    var status = Status.open
    var member = ""
    var device = ""
    var title = ""
    var studio = ""
    var expiresAt: Date?
    var renewals = 0
    var plays = 0
    var firstPlayedAt: Date?
    var policyVersion = 0
    var reason: String?
    var closedBy: String?
    var lastPlayedAt: Date?
}

enum ReportEvent: Codable, Sendable, Equatable {
    case filed(report: Report)
}

/// 30 fields in four documents, and an array of 100 documents.
struct Report: Codable, Sendable, Equatable {
    struct Line: Codable, Sendable, Equatable {
        var article: String
        var count: Int
        var price: Double
    }

    struct Address: Codable, Sendable, Equatable {
        var name = "Ada Example"
        var street = "12 Long Street"
        var city = "Sampleton"
        var postcode = "SA1 2MP"
        var region: String? = "North"
        var country = "GB"
    }

    struct Totals: Codable, Sendable, Equatable {
        var net = 1_250.75
        var tax = 250.15
        var gross = 1_500.90
        var discount = 0.0
        var items = 100
        var weight = 12.5
        var isExempt = false
    }

    struct Origin: Codable, Sendable, Equatable {
        var service = "reports"
        var host = "host-17.example"
        var version = 42
        var request = UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))
        var receivedAt = CodecSamples.date
    }

    var number = "R-2025-000017"
    var kind = "monthly"
    var createdAt = CodecSamples.date
    var dueAt: Date? = CodecSamples.date
    var sender = Address()
    var totals = Totals()
    var origin = Origin()
    var lines: [Line] = []
    var currency = "GBP"
    var isFinal = true
    var revision = 4
    var note: String? = "Checked twice."
    var tags = ["a", "b", "c"]
}

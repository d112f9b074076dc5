public import Daybook
public import Foundation

/// How often one member has downloaded one title; its key is `<member>:<title>`.
public struct Title: Aggregate, Equatable {
    /// The events of the count.
    public enum Event: Codable, Sendable, Equatable {
        case downloadCounted(license: String, at: Date, policyVersion: Int)
        /// The count was corrected: these downloads remain.
        case countCorrected(downloads: [Date], reason: String, operator: String)
    }

    /// The commands of the count.
    public enum Command: Encodable, Sendable {
        case count(license: String, Terms)
        /// At most 100, so that a correction cannot add any number of downloads.
        case correct(count: Int, reason: String, operator: String, Terms)
    }

    /// `title`
    public static let type: AggregateType = "title"

    /// When each counted download was made, the latest last.
    public internal(set) var downloads: [Date] = []

    /// A title that the member never downloaded.
    public init() {}

    /// - Precondition: `member` has no colon, so that no two pairs share a key. ``LicensingApplication`` checks this.
    public static func key(member: String, title: String) -> String { "\(member):\(title)" }

    /// The title that a key is about.
    static func title(inKey key: String) -> Substring {
        key.utf8.firstIndex(of: UInt8(ascii: ":")).map { key[key.utf8.index(after: $0)...] } ?? key[...]
    }

    /// The downloads in the policy's window that ends at `now`.
    public func counted(at now: Date, under policy: Policy) -> [Date] {
        let begin = now - Double(policy.downloadWindowDays) * 86_400
        return downloads.filter { $0 > begin }
    }

    /// The state after `event`.
    public mutating func apply(_ event: Event) {
        switch event {
        case .downloadCounted(_, let date, _): downloads.append(date)
        case .countCorrected(let downloads, _, _): self.downloads = downloads
        }
    }

    /// The events of `command` at `now`; none where nothing changes.
    public func decide(_ command: Command, at now: Date) throws(Refusal) -> [Event] {
        switch command {
        case .count(let license, let terms):
            let limit = terms.policy.downloadsPerTitle
            guard counted(at: now, under: terms.policy).count < limit else {
                throw Refusal(.titleYearlyLimitReached, limit: limit)
            }
            return [.downloadCounted(license: license, at: now, policyVersion: terms.policy.version)]
        case .correct(let count, let reason, let `operator`, let terms):
            guard (0...100).contains(count) else { throw Refusal(.illegalTransition, limit: 100) }
            let counted = counted(at: now, under: terms.policy)
            guard count != counted.count else { return [] }
            // Remove the oldest downloads; add missing ones as made now.
            let missing = Array(repeating: now, count: max(0, count - counted.count))
            return [.countCorrected(downloads: counted.suffix(count) + missing, reason: reason, operator: `operator`)]
        }
    }
}

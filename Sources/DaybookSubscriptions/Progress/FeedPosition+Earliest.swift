internal import Daybook
internal import DaybookBSON
internal import Foundation

extension FeedPosition {
    /// A position from which everything comes that comes from any of `positions`; nil for the beginning of the journal.
    ///
    /// Tokens are not compared, only times: MongoDB promises no order of tokens to clients.
    /// https://www.mongodb.com/docs/manual/changeStreams/#resume-tokens
    static func earliest(of positions: some Collection<FeedPosition>) -> FeedPosition? {
        guard let first = positions.first else { return nil }
        if positions.allSatisfy({ $0 == first }) { return first }
        // Where a time is not known, it is not known which is the earliest.
        guard let earliest = positions.min(by: { $0.order < $1.order }), positions.allSatisfy({ $0.time != nil }) else {
            return nil
        }
        var after: UUID?
        var isScanning = false
        for case .scanning(let id) in positions.map(\.stage) {
            guard let id else { return FeedPosition(.scanning(after: nil), token: earliest.token, time: earliest.time) }
            if !isScanning || EventID(id) < after.map(EventID.init) ?? EventID(id) { after = id }
            isScanning = true
        }
        return isScanning
            ? FeedPosition(.scanning(after: after), token: earliest.token, time: earliest.time) : earliest
    }

    private var order: UInt64 {
        time.map { UInt64($0.seconds) << 32 | UInt64($0.increment) } ?? 0
    }
}

internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging

// The journal as a swap follows it.

extension MongoSwapDatabase {
    /// The journal's events, read on after the last one where the server did not answer for a while.
    struct Feed: SwapFeed {
        let feed: JournalFeed

        func next() async throws -> SwapFeedElement {
            var patience = Patience()
            while true {
                do {
                    switch try await feed.next() {
                    case .idle(let token): return SwapFeedElement(isIdle: true, token: token)
                    case .change(let event, let token):
                        return SwapFeedElement(
                            id: event.head?.id, version: event.head?.version ?? 0, time: event.clusterTime,
                            isIdle: false,
                            token: token)
                    }
                } catch let error as MongoError where error.isOfTheMoment {
                    // Before its first token it cannot be opened again: what came meanwhile would be missed.
                    guard await feed.token != nil else { throw error }
                    try await patience.wait(after: error, hasProgressed: false)
                }
            }
        }
    }

    func follow(after token: ResumeToken?) async throws -> Feed {
        let feed = JournalFeed(of: store.journal, on: store.client, types: [A.type], after: token)
        do {
            try await Patience.around { try await feed.open() }
        } catch let error as JournalPlaceLost {
            store.telemetry.logger.warning(
                "the server no longer knows the place up to which the journal was followed; all is built anew",
                [.aggregateType: A.type, .error: "\(error.underlying)"])
            throw error
        }
        return Feed(feed: feed)
    }

    /// The time of the server's last operation.
    func time() async throws -> BSONTimestamp {
        let reply = try await Patience.around {
            try await store.client.withConnection(.single) { try $0.read(["ping": 1], database: "admin") }
        }
        if case .timestamp(let time) = reply["operationTime"] { return time }
        // Without it only silence tells that all was seen.
        return BSONTimestamp(seconds: .max, increment: .max)
    }
}

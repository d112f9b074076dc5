internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging

// The journal as a swap follows it.

extension MongoSwapDatabase {
    /// The journal's events, read on after the last one where the server did not answer for a while.
    actor Feed: SwapFeed {
        private let database: MongoSwapDatabase
        private var stream: ChangeStream<JournalHead?>.Iterator?
        private var token: ResumeToken?

        fileprivate init(_ stream: ChangeStream<JournalHead?>.Iterator, after token: ResumeToken?, in database: MongoSwapDatabase)
        {
            self.stream = stream
            self.token = token
            self.database = database
        }

        func next() async throws -> SwapFeedElement {
            var patience = Patience()
            while true {
                do {
                    let stream = if let stream { stream } else { try await database.open(after: token) }
                    self.stream = stream
                    guard let element = try await stream.next() else { throw CancellationError() }
                    token = element.token
                    guard case .change(let head, let token) = element else {
                        return SwapFeedElement(isIdle: true, token: element.token)
                    }
                    return SwapFeedElement(
                        id: head?.id, version: head?.version ?? 0, time: head?.clusterTime, isIdle: false, token: token)
                } catch let error as MongoError where error.isPlaceLost {
                    throw SwapPlaceLost(underlying: error)
                } catch let error as MongoError where token != nil && error.isOfTheMoment {
                    stream = nil
                    try await patience.wait(after: error, hasProgressed: false)
                }
            }
        }
    }

    func follow(after token: ResumeToken?) async throws -> Feed {
        Feed(try await Patience.around { try await open(after: token) }, after: token, in: self)
    }

    private func open(after token: ResumeToken?) async throws -> ChangeStream<JournalHead?>.Iterator {
        let stream = store.journalHeads(of: A.type, after: token).makeAsyncIterator()
        do {
            try await stream.open()
        } catch let error as MongoError where error.losesPlace(isResumed: token != nil) {
            store.telemetry.logger.warning(
                "the server no longer knows the place up to which the journal was followed; the snapshots are built anew",
                [.aggregateType: A.type, .error: "\(error)"])
            throw SwapPlaceLost(underlying: error)
        }
        return stream
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

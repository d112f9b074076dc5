internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging

// The journal as a swap follows it.

extension MongoSwapDatabase {
    /// The journal's events, read on after the last one where the server did not answer for a while.
    struct Feed: SwapFeed {
        let reader: TailReader

        func next() async throws -> SwapFeedElement {
            var patience = Patience()
            while true {
                do {
                    switch try await reader.next() {
                    case .idle(let token): return SwapFeedElement(isIdle: true, token: token)
                    case .change(.other, _): continue
                    case .change(.mark(let id, _), let token): return SwapFeedElement(mark: id, token: token)
                    case .change(.event(let event), let token):
                        return SwapFeedElement(
                            id: event.head?.id, version: event.head?.version ?? 0, token: token)
                    }
                } catch let error as MongoError where error.isOfTheMoment {
                    // Before its first token it cannot be opened again: what came meanwhile would be missed.
                    guard await reader.token != nil else { throw error }
                    try await patience.wait(after: error, hasProgressed: false)
                }
            }
        }
    }

    func follow(after token: ResumeToken?) async throws -> Feed {
        let reader = store.tail.reader(types: [A.type], after: token)
        do {
            try await Patience.around { try await reader.open() }
        } catch let error as JournalPlaceLost {
            store.telemetry.logger.warning(
                "the server no longer knows the place up to which the journal was followed; all is built anew",
                [.aggregateType: A.type, .error: "\(error.underlying)"])
            throw error
        }
        return Feed(reader: reader)
    }

    func mark() async throws -> UUID { try await Patience.around { try await store.tail.writeMark() }.id }
}

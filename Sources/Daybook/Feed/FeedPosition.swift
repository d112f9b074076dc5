package import DaybookBSON
package import DaybookMongo
package import Foundation

/// How far a feed has delivered the journal.
package struct FeedPosition: Sendable, Hashable {
    package enum Stage: Sendable, Hashable {
        /// Everything that was committed before the token, up to this id, was delivered. Nothing after the token was,
        /// except what the scan had passed already.
        case scanning(after: UUID?)
        /// Everything before the token was delivered.
        case following
    }

    package let stage: Stage
    package let token: ResumeToken
    /// A time at which what is before it in the stream is before the token too: that of the last change that was shown
    /// before the token. Nil where it is not known.
    package let time: BSONTimestamp?

    package init(_ stage: Stage, token: ResumeToken, time: BSONTimestamp? = nil) {
        self.stage = stage
        self.token = token
        self.time = time
    }
}

// MARK: - The stored form

extension FeedPosition {
    private enum Key {
        static let token = "token"
        static let time = "time"
        static let after = "after"
    }

    /// `{ token, time?, after? }`. `after` is there while the feed scans, and null before its first event.
    package var document: BSONDocument {
        var fields: [(key: String, value: BSONValue)] = [(Key.token, .document(token.document))]
        if let time { fields.append((Key.time, .timestamp(time))) }
        if case .scanning(let after) = stage {
            fields.append((Key.after, after.map { .binary(BSONBinary($0)) } ?? .null))
        }
        var document = BSONDocument()
        // Fails only for a key with NUL, or at 2 GiB; neither can happen here.
        for (key, value) in fields { try? document.append(key, value) }
        return document
    }

    /// Reads ``document``, and also a bare resume token, as an earlier version stored it. That token is of a stream of
    /// the journal alone. Where the server refuses it for a stream of the database, the place is lost, and the feed
    /// begins anew.
    ///
    /// Returns nil for what is neither.
    package init?(_ document: BSONDocument) {
        guard case .document(let stored)? = document[Key.token] else {
            guard document["_data"] != nil, let token = ResumeToken(document) else { return nil }
            self.init(.following, token: token)
            return
        }
        guard let token = ResumeToken(stored) else { return nil }
        var time: BSONTimestamp?
        if case .timestamp(let stored)? = document[Key.time] { time = stored }
        switch document[Key.after] {
        case nil: self.init(.following, token: token, time: time)
        case .binary(let after)?: self.init(.scanning(after: after.uuid), token: token, time: time)
        // A damaged place: the scan begins anew.
        case _?: self.init(.scanning(after: nil), token: token, time: time)
        }
    }
}

// MARK: - A lost place

extension FeedPosition {
    /// By how much an event's id may be earlier than its commit: by the difference of the writers' clocks, and by the
    /// time that a transaction is open, which the server limits to a minute.
    /// https://www.mongodb.com/docs/manual/reference/parameters/#mongodb-parameter-param.transactionLifetimeLimitSeconds
    private static let margin: UInt64 = 600_000

    /// Where a new scan begins when the token is lost: every event that was not delivered has a greater id. Nil for the
    /// beginning of the journal.
    var scanStart: UUID? {
        guard let time else { return nil }
        let milliseconds = UInt64(time.seconds) * 1_000
        let earliest = EventID(milliseconds: max(milliseconds, Self.margin) - Self.margin, random: { 0 })
        guard case .scanning(let after) = stage else { return earliest.uuid }
        guard let after else { return nil }
        return EventID(after) < earliest ? after : earliest.uuid
    }
}

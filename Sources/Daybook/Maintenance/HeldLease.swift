package import DaybookBSON
package import Foundation

/// A document of `daybook.leases` as others than its holder read it: whatever an older version or a hand has left
/// there.
package struct HeldLease: Sendable, Hashable {
    package let name: String
    package let holder: String
    package let acquiredAt: Date?
    package let expiresAt: Date

    /// Nil for what is no lease: without a name, a holder or an end no process can hold it.
    package init?(_ document: BSONDocument) {
        guard case .string(let name) = document["_id"], case .string(let holder) = document["holder"],
            case .datetime(let expiresAt) = document["expiresAt"]
        else { return nil }
        self.name = name
        self.holder = holder
        self.expiresAt = expiresAt.date
        acquiredAt = if case .datetime(let date) = document["acquiredAt"] { date.date } else { nil }
    }

    /// `, since 2026-01-02T03:04:05Z`; empty where that is not known.
    package var since: String { acquiredAt.map { ", since \($0.formatted(.iso8601))" } ?? "" }

    /// Whether it ends later than any process asks for: its holder's clock was wrong, or a hand wrote it. Such a lease
    /// does not end when its holder dies.
    package func outlastsHolder(at now: Date) -> Bool {
        expiresAt.timeIntervalSince(now) > Lease.duration * 2 / .seconds(1)
    }

    /// Ends it, in mongosh. It is not deleted: the next holder's epoch continues from this one's.
    package func endingCommand(in database: String) -> String {
        Shell.collection(ControlCollection.leases.rawValue, in: database)
            + ".updateOne(\(Shell.json(["_id": .string(name)])), {$currentDate: {expiresAt: true}})"
    }
}

internal import Daybook
internal import DaybookBSON
internal import Foundation

/// What an event says of the commit that it belongs to.
struct CommitMembership {
    /// The event's own id.
    let eventID: UUID
    /// Its field `commit`, valid as long as the event's document.
    let commit: BorrowedDocument
}

extension CommitMembership {
    /// Nil where its field `commit` is no document.
    init?(_ event: BorrowedEvent) {
        guard let commit = event.commit else { return nil }
        self.init(eventID: event.id, commit: commit)
    }
}

/// The events of a commit that one aggregate has, where the commit has more than those.
struct CommitPart: Sendable, Hashable {
    /// The commit's id, which is its first event's; the others' count on from it.
    let commit: EventID
    /// How many events the commit has.
    let count: Int32
    /// The aggregate's, by their places in the commit.
    private(set) var places: ClosedRange<Int32>
    /// The version of the first of them.
    let version: Int64

    /// Nil where the event's id does not follow from its commit's: then no writer of Daybook has made it, and nothing
    /// can be said of the others.
    init?(_ membership: CommitMembership, version: Int64) {
        guard let commit = try? JournalEvent.Commit(membership.commit), commit.count > 0,
            (0..<commit.count).contains(commit.index)
        else { return nil }
        let first = EventID(commit.id)
        guard first.isVersion7, let own = first.advanced(by: UInt64(commit.index)), own.uuid == membership.eventID,
            first.advanced(by: UInt64(commit.count)) != nil
        else { return nil }
        self.commit = first
        count = commit.count
        places = commit.index...commit.index
        self.version = version
    }

    var isWhole: Bool { places.count == Int(count) }

    /// Adds an event that follows in the commit; false where it does not.
    mutating func extend(by next: CommitPart) -> Bool {
        guard next.commit == commit, next.count == count, places.upperBound < .max,
            next.places.lowerBound == places.upperBound + 1
        else { return false }
        places = places.lowerBound...next.places.upperBound
        return true
    }

    /// The id of the event at a place.
    func id(at place: Int32) -> EventID? { commit.advanced(by: UInt64(place)) }

    /// The places that are not this aggregate's.
    var otherPlaces: [Range<Int32>] { [0..<places.lowerBound, (places.upperBound + 1)..<count] }

    var otherCount: Int { Int(count) - places.count }
}

/// A part of a commit, and the aggregate that has it.
struct OwnedPart: Sendable {
    let aggregateID: [UInt8]
    let part: CommitPart
}

/// The commits that one aggregate has a part of, found while its events go by.
struct CommitTrace {
    private var current: CommitPart?
    /// The earlier ones, but for what is whole within the aggregate.
    private(set) var parts: [CommitPart] = []

    mutating func add(_ membership: CommitMembership, version: Int64) {
        let part = CommitPart(membership, version: version)
        // Nearly every commit has one event, or one aggregate.
        if let part, current?.extend(by: part) == true { return }
        close()
        current = part
    }

    /// The parts so far, which it forgets; after the last event also the one that is not closed.
    mutating func takeParts(isLast: Bool) -> [CommitPart] {
        if isLast { close() }
        defer { parts = [] }
        return parts
    }

    private mutating func close() {
        if let current, !current.isWhole { parts.append(current) }
        current = nil
    }
}

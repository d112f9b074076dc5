internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// What a swap asks of the database, step by step. ``MongoSwapDatabase`` is the product's; the test of swaps has one in
/// memory, in which a process can be stopped at each of these steps, and a step can take effect late.
protocol SwapDatabase: Sendable {
    associatedtype Feed: SwapFeed

    /// The collection in use.
    var live: String { get }
    /// The two names that collections are built under. They are used in turn: a request that a dead process had sent
    /// for the one cannot meet what is built under the other.
    var buildNames: [String] { get }

    /// Throws where this database, or what is in the live collection, is none that may be swapped.
    func check() async throws
    /// Makes sure that this process still holds the lease, by asking the server.
    func requireLease() async throws

    /// The collections of the three names that are there, each with its UUID.
    func collections() async throws -> [String: UUID]
    /// The name that the last swap of this kind built under, whichever run that was.
    func lastBuildName() async throws -> String?
    /// Drops a collection if it still is this one.
    func drop(_ build: SnapshotBuild) async throws
    /// Makes an empty collection with the options and the indexes of the live one.
    func create(_ name: String) async throws -> SnapshotBuild
    /// Gives a build another name, and drops the collection that has it. See ``RenameOutcome``.
    func rename(_ build: SnapshotBuild, to name: String) async throws -> RenameOutcome
    /// Waits before the next look, after a rename whose outcome is not known.
    func pause(_ attempt: Int) async throws

    /// The journal's events after `token`, from now on where it is nil, read from when this returns.
    ///
    /// - Throws: ``JournalPlaceLost``
    func follow(after token: ResumeToken?) async throws -> Feed
    /// Writes a mark, which the feed shows after every event that was committed before.
    func mark() async throws -> UUID

    /// Writes the snapshots of some parts of the ids, which are not done yet, into a build.
    ///
    /// - Parameter refused: Receives those that a unique index of the operator's refuses.
    func fill(
        _ build: SnapshotBuild, _ parts: [Int], _ report: ReconcileReport.Builder,
        refused: @escaping @Sendable ([AggregateID], any Error) async -> Void
    ) async throws
    /// Writes the snapshots of some aggregates as the journal has them, where older ones are stored.
    ///
    /// - Parameter heads: Of each the last version that was seen, which it reaches; 0 where none was.
    /// - Returns: Those that a unique index of the operator's refuses.
    func catchUp(_ heads: [AggregateID: Int64], into collection: String) async throws -> [AggregateID: any Error]
    /// Removes the snapshots of some aggregates from a build.
    func remove(_ ids: [AggregateID], from build: SnapshotBuild) async throws
    /// Throws where the live collection has snapshots of a newer program, among all or among some.
    func refuseNewer(among ids: [AggregateID]?) async throws
    /// Makes the indexes that the live collection has got since the build began.
    ///
    /// - Returns: Whether there were any.
    func addIndexes(to build: SnapshotBuild) async throws -> Bool
}

/// The events of one kind of aggregate as they come.
protocol SwapFeed: Sendable {
    /// - Throws: ``JournalPlaceLost``
    func next() async throws -> SwapFeedElement
}

struct SwapFeedElement: Sendable {
    /// Of the event; nil where there was none to read, or none that a writer of Daybook's has put there.
    var id: AggregateID?
    /// The event's version in that aggregate.
    var version: Int64 = 0
    /// A mark that was written; see ``SwapDatabase/mark()``.
    var mark: UUID?
    /// Whether nothing came for a while. There may be more all the same.
    var isIdle = false
    var token: ResumeToken
}

/// What became of a rename.
enum RenameOutcome: Sendable {
    case done
    /// The request was not answered, or the server did not find the collection: only a look at the UUIDs says whether
    /// it was done.
    case unknown(any Error)
}

internal import Daybook
internal import DaybookMongo

/// A transaction that is run again after a conflict or a lost connection. What it reads must show what an attempt has
/// done whose outcome is not known.
struct PostingTransaction: Sendable {
    /// How often it is repeated before its error is one.
    private static let maximumConflicts = 100

    let store: DaybookStore
    /// Called before each attempt but the first.
    var onRetry: @Sendable () -> Void = {}

    func run<R: Sendable>(_ body: @Sendable (isolated MongoConnection) async throws -> R) async throws -> R {
        var backoff = Backoff()
        var patience = Patience()
        var conflicts = 0
        while true {
            try Task.checkCancellation()
            do {
                return try await store.client.withConnection(.transaction) { connection in
                    try connection.beginTransaction()
                    let result = try await body(connection)
                    // An error that a handler caught has still aborted the transaction.
                    if let poison = connection.poison { throw poison }
                    try connection.commitTransaction()
                    return result
                }
            } catch  where HandlingError.isOfTransaction(error) && conflicts < Self.maximumConflicts {
                conflicts += 1
                onRetry()
            } catch let error as MongoError where error.isOfTheMoment {
                try await patience.wait(after: error, hasProgressed: false)
            }
            await backoff.wait()
        }
    }
}

internal import Daybook
internal import DaybookMongo

/// A transaction that is run again after a conflict or a lost connection. What it reads must show what an attempt has
/// done whose outcome is not known.
struct PostingTransaction: Sendable {
    let store: DaybookStore
    /// How often it is repeated after a conflict before that is an error.
    var maximumConflicts = 100
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
            } catch  where HandlingError.isOfTransaction(error) {
                guard conflicts < maximumConflicts else { throw error }
                conflicts += 1
                onRetry()
            } catch let error as MongoError where error.isOfTheMoment {
                try await patience.wait(after: error, hasProgressed: false)
            }
            await backoff.wait()
        }
    }
}

internal import DaybookMongo

/// How one attempt to write a commit ended.
enum CommitOutcome: Sendable {
    /// The whole commit is in the journal.
    case committed
    /// Nothing of it took effect, because of another writer or a transient fault: load again and decide again.
    case aborted(MongoError)
    /// A command id in it was already used on its aggregate, by this commit or an earlier one.
    case duplicateCommand(MongoError)
    /// Nothing of it took effect, and another attempt would fail the same way.
    case failed(any Error)
    /// It was sent, and it is not known yet whether it took effect: send the same documents again.
    case unknown(any Error)

    /// Whether another writer committed first.
    var isConflict: Bool {
        guard case .aborted(let error) = self else { return false }
        return error.code == .duplicateKey || error.code == .writeConflict
    }
}

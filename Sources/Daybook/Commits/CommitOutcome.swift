internal import DaybookMongo

/// How one attempt to write a commit ended.
enum CommitOutcome: Sendable {
    /// It is in the journal, all of it.
    case committed
    /// Nothing of it took effect, because of another writer or a passing fault: load again and decide again.
    case aborted(MongoError)
    /// A command id in it has been used on its aggregate, by this commit or an earlier one.
    case duplicateCommand(MongoError)
    /// Nothing of it took effect, and another attempt would end the same.
    case failed(any Error)
    /// It was sent, and it is not known yet whether it took effect: the same documents have to be sent again.
    case unknown(any Error)

    /// Whether another writer came first.
    var isConflict: Bool {
        guard case .aborted(let error) = self else { return false }
        return error.code == .duplicateKey || error.code == .writeConflict
    }
}

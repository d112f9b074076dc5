internal import DaybookMongo

extension PreparedCommit {
    /// How one attempt to send a commit ended.
    enum Outcome: Sendable {
        /// It is in the journal, all of it.
        case committed
        /// Nothing of it took effect, because of another writer or a passing fault: load again and decide again.
        case lost(MongoError)
        /// A command id in it has been used on its aggregate, by this commit or an earlier one.
        case commandKnown(MongoError)

        /// Whether another writer came first.
        var isConflict: Bool {
            guard case .lost(let error) = self else { return false }
            return error.code == .duplicateKey || error.code == .writeConflict
        }
    }
}

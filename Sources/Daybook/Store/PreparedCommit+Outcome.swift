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
    }
}

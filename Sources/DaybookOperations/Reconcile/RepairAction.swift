internal import DaybookBSON

/// What is to be done to one snapshot.
enum RepairAction: Sendable {
    case insert(BSONDocument)
    case update(BSONDocument)
    case replace(BSONDocument)
    case delete
    /// Nothing, for this reason.
    case none(String)

    var isNone: Bool { if case .none = self { true } else { false } }

    /// As it is reported; with what is written only where nothing is, so that reports stay small.
    func repair(isDryRun: Bool) -> Finding.Repair {
        switch self {
        case .insert(let snapshot): .init(action: .insert, reason: nil, write: isDryRun ? snapshot : nil)
        case .update(let update): .init(action: .update, reason: nil, write: isDryRun ? update : nil)
        case .replace(let snapshot): .init(action: .replace, reason: nil, write: isDryRun ? snapshot : nil)
        case .delete: .init(action: .delete, reason: nil, write: nil)
        case .none(let reason): .init(action: .none, reason: reason, write: nil)
        }
    }
}

internal import Daybook
internal import DaybookBSON
internal import DaybookMongo

extension Examination {
    /// Unique indexes that are not Daybook's. Each is a rule in addition to the journal's, and may refuse commits or
    /// snapshots.
    var foreignIndexes: [Look] {
        collections.map { collection in
            Look(name: collection.name, privilege: "listIndexes on \(collection.name)") { connection in
                let found: [BSONDocument]
                do throws(MongoError) {
                    found = try connection.indexes(of: namespace(collection.name))
                } catch {
                    // The check of the definitions already reports a missing permission.
                    guard error.code == .unauthorized else { throw error }
                    return []
                }
                return found.filter { isForeign($0, in: collection) }.map { check($0, in: collection) }
            }
        }
    }

    private func isForeign(_ index: BSONDocument, in collection: DatabasePlan.Collection) -> Bool {
        guard let unique = index["unique"], unique != .bool(false), unique.number != 0 else { return false }
        // An index that conflicts with one of Daybook's is reported as a conflict.
        return index["name"] != "_id_"
            && !collection.indexes.contains { $0.hasSameKeys(as: index) || .string($0.name) == index["name"] }
    }

    private func check(_ index: BSONDocument, in collection: DatabasePlan.Collection) -> Diagnosis.Check {
        let name = if case .string(let name) = index["name"] { name } else { "?" }
        let fields =
            if case .document(let key) = index["key"] { key.fields.map(\.key).joined(separator: ", ") } else { "?" }
        return Diagnosis.Check(
            collection.name, .warning,
            "the unique index \"\(name)\" over (\(fields)) is none of Daybook's: a commit that repeats a value there "
                + "is refused, or its snapshot lags",
            remedy: "Keep it if that is meant. Otherwise, in mongosh:\n"
                + "  \(Shell.collection(collection.name, in: store.database)).dropIndex(\(Shell.quoted(name)))")
    }
}

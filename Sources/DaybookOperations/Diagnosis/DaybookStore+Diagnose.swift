package import Daybook
internal import DaybookMongo

extension DaybookStore {
    /// Looks whether the server, the database, its snapshots and the work that is done on them are as they should be. Nothing is written.
    ///
    /// What this user may not look at is a warning that says so, and the rest is looked at all the same. Without aggregates, snapshots are
    /// left out.
    package func diagnose() async -> Diagnosis {
        let store = self
        do {
            return try await client.withConnection(.single) { connection in
                var examination = try Examination(store, on: connection)
                examination.run(on: connection)
                return examination.diagnosis
            }
        } catch {
            return Examination.unreachable(error)
        }
    }
}

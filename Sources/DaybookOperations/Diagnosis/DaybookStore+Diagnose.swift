package import Daybook
internal import DaybookMongo

extension DaybookStore {
    /// Checks whether the server, the database, its snapshots and the work on them are as they should be. It writes
    /// nothing.
    ///
    /// What this user may not inspect becomes a warning that says so; everything else is still checked. Without
    /// aggregates, snapshots are not checked.
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

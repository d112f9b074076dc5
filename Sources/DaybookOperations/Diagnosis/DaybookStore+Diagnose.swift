package import Daybook
internal import DaybookMongo

extension DaybookStore {
    /// Checks whether the server, the database, its snapshots, its subscriptions and the work on them are as they should
    /// be. It writes nothing but a mark, and that only where there are subscriptions.
    ///
    /// What this user may not inspect becomes a warning that says so; everything else is still checked. Without
    /// aggregates, snapshots are not checked.
    package func diagnose() async -> Diagnosis {
        let store = self
        do {
            var diagnosis = try await client.withConnection(.single) { connection in
                var examination = try Examination(store, on: connection)
                examination.run(on: connection)
                return examination.diagnosis
            }
            if diagnosis.checks.contains(where: { $0.name.hasPrefix(Examination.subscriptionCheck) }) {
                diagnosis.checks.append(await Examination.tail(of: self))
            }
            return diagnosis
        } catch {
            return Examination.unreachable(error)
        }
    }
}

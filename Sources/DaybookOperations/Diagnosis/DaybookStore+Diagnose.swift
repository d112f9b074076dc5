package import Daybook
internal import DaybookMongo

extension DaybookStore {
    /// Checks whether the server, the database, its snapshots, its subscriptions and the work on them are as they
    /// should be. It writes nothing but a mark, and that only where there are a journal and subscriptions.
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
            // A mark would make a database that does not exist.
            if diagnosis.checks.contains(where: { $0.name.hasPrefix(Examination.subscriptionCheck) }),
                await hasJournal()
            {
                diagnosis.checks.append(await Examination.tail(of: self))
            }
            return diagnosis
        } catch {
            return Examination.unreachable(error)
        }
    }

    private func hasJournal() async -> Bool {
        do {
            try await requireJournal(for: "doctor")
            return true
        } catch {
            return (error as? DaybookError)?.code != .notInitialized
        }
    }
}

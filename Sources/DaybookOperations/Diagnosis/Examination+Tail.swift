internal import Daybook
internal import DaybookMongo

extension Examination {
    /// Whether the live end of the journal moves: a mark that is written comes back by the change stream. The server
    /// sends what a majority has, so without one the stream is silent, and does not fail.
    /// https://www.mongodb.com/docs/manual/changeStreams/#watch-a-collection--database--or-deployment
    static func tail(of store: DaybookStore) async -> Diagnosis.Check {
        let name = "tail"
        do {
            let reader = store.tail.reader()
            try await reader.open()
            let mark = try await store.tail.writeMark()
            let deadline = ContinuousClock.now + longestMark
            while ContinuousClock.now < deadline {
                // An idle stream says so within a second.
                guard case .change(.mark(mark.id, _), _) = try await reader.next() else { continue }
                return Diagnosis.Check(name, .ok, "a mark came back by the change stream")
            }
        } catch {
            return failed(
                name, privilege: "insert on \(ControlCollection.marks), and find and changeStream on the database",
                error)
        }
        return Diagnosis.Check(
            name, .problem,
            "a mark did not come back by the change stream within \(longestMark.components.seconds) s: subscriptions, "
                + "projectors and tail --follow do not advance",
            remedy:
                "Look whether a majority of the replica set's members can be reached and are not far behind: "
                + "rs.status() in mongosh.")
    }
}

internal import DaybookBSON
internal import DaybookMongo

extension DaybookStore {
    /// Whether the server answers, whether the journal's tail moves, and whether the subscriptions that this process
    /// runs advance. It takes two seconds at most.
    ///
    /// A lagging subscription is a fault when its handler has worked on the same events for half a minute, or fails for
    /// as long. What other processes run is not looked at.
    public func health() async -> StoreHealth {
        var faults: [StoreHealth.Fault] = []
        if let fault = await serverFault() { faults.append(fault) }
        if let age = await tail.markAge, age > .seconds(30) {
            faults.append(
                .init(
                    part: "tail",
                    message: "a mark has not come back by the database's change stream for \(age.components.seconds) "
                        + "s: no majority of the members can be reached, or the stream does not advance"))
        }
        for one in extensions { faults += one.faults() }
        return StoreHealth(faults)
    }

    private func serverFault() async -> StoreHealth.Fault? {
        let (answers, answer) = AsyncStream.makeStream(of: String?.self)
        // Not a child task: a driver that looks for a server blocks for as long as the URI allows.
        Task { [client, database] in
            do {
                // https://www.mongodb.com/docs/manual/reference/command/hello/
                let reply = try await client.withConnection(.single) {
                    try $0.read(["hello": 1], database: database, isRetried: false)
                }
                let takesWrites = reply["isWritablePrimary"] == .bool(true) || reply["msg"] == "isdbgrid"
                answer.yield(takesWrites ? nil : "the server is not a primary")
            } catch {
                answer.yield("\(error)")
            }
        }
        let timer = Task {
            try await Task.sleep(for: .seconds(2))
            answer.yield("the server does not answer within two seconds")
        }
        defer { timer.cancel() }
        for await fault in answers { return fault.map { .init(part: "server", message: $0) } }
        return nil
    }
}

package import DaybookBSON
internal import DaybookMongo

/// The server's `failCommand` fail point: https://github.com/mongodb/mongo/wiki/The-%22failCommand%22-fail-point
///
/// A server has one, so those of a process take turns. It only concerns clients of the fixture's app name. The command
/// is sent as a read is: it takes no writeConcern.
package struct FailPoint: Sendable {
    package enum Times: Sendable {
        case times(Int32)
        case always
    }

    private let fixture: DriverFixture

    /// Makes `commands` fail as `data` says, instead of what was set before.
    package func set(_ times: Times, _ commands: [String], _ data: BSONDocument) async throws {
        var data = data
        try data.append("failCommands", .array(commands.map { .string($0) }))
        try data.append("appName", .string(fixture.appName))
        let mode: BSONValue =
            switch times {
            case .times(let count): .document(["times": .int32(count)])
            case .always: "alwaysOn"
            }
        _ = try await fixture.read(
            ["configureFailPoint": "failCommand", "mode": mode, "data": .document(data)], database: "admin")
    }

    package func off() async throws {
        _ = try await fixture.read(["configureFailPoint": "failCommand", "mode": "off"], database: "admin")
    }

    fileprivate init(_ fixture: DriverFixture) {
        self.fixture = fixture
    }

    fileprivate static let turns = Turns(1)
}

extension DriverFixture {
    /// Runs `body` while no other test of this process uses the fail point, which is off afterwards.
    package func withFailPoint<R>(_ body: (FailPoint) async throws -> R) async throws -> R {
        await FailPoint.turns.take()
        defer { FailPoint.turns.pass() }
        let failPoint = FailPoint(self)
        do {
            let result = try await body(failPoint)
            try await failPoint.off()
            return result
        } catch {
            try? await failPoint.off()
            throw error
        }
    }
}

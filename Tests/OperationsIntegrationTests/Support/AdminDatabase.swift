import Daybook
import DaybookBSON
import IntegrationSupport
import Testing

/// The same population in each test, to the byte: that of `licensing seed` with these numbers.
func withPopulation(_ body: (AdminDatabase) async throws -> Void) async throws {
    try await withRawDatabase { database in
        let admin = AdminDatabase(database: database)
        let seed = try await admin.licensing(
            "seed", "--members", "3", "--licenses", "8", "--seed", "7", "--bulk", "--quiet")
        try #require(seed.status == 0, "\(seed.errors)")
        try await body(admin)
    }
}

/// A database that the admin commands are run on.
struct AdminDatabase: Sendable {
    let database: RawDatabase

    /// A licence of the population that was downloaded, played and released.
    static let license = "license/300e0296-150f-8d32-a09d-1e6d474a5119"

    func licensing(_ arguments: String...) async throws -> CommandRun { try await run("licensing", arguments) }

    func daybook(_ arguments: String...) async throws -> CommandRun { try await run("daybook", arguments) }

    func run(_ program: String, _ arguments: [String], uri: String? = nil) async throws -> CommandRun {
        try await CommandRun(
            program, arguments,
            environment: ["DAYBOOK_DATABASE": database.name].merging(uri.map { ["DAYBOOK_URI": $0] } ?? [:]) { $1 })
    }

    /// Lets snapshots drift: one is edited, one deleted, one an orphan, one ahead.
    func drift() async throws {
        try await database.update(
            ["_id": .string(Self.license)], with: ["$set": ["state.renewals": 77, "state.note": "by hand"]],
            in: "snapshots.license")
        try await database.delete(["_id": "member/m-1"], from: "snapshots.member")
        let member = try #require(try await database.document(in: "snapshots.member", id: "member/m-2"))
        try await database.put(member.setting("_id", to: "member/nobody"), into: "snapshots.member")
        try await database.update(["_id": "member/m-3"], with: ["$set": ["version": 900]], in: "snapshots.member")
    }

    /// A text with what differs from one run to the next, or from one server to another, made the same.
    func masked(_ text: String) -> String {
        text.replacing(database.name, with: "DATABASE")
            .replacing(/[0-9.]+ [KMG]?i?B on disk/, with: "SIZE on disk")
            .replacing(/(?m)^indexes   .*$/, with: "indexes   SIZES")
            .replacing(/"storageBytes" : \d+/, with: "\"storageBytes\" : SIZE")
            .replacing(/("name" : "[^"]*", "bytes" : )\d+/) { "\($0.1)SIZE" }
    }
}

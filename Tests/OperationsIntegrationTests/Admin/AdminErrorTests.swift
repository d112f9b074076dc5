import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Licensing
import Testing

/// How the admin commands end when they cannot do it.
@Suite("Failures of the admin commands", .timeLimit(.minutes(3)))
struct AdminErrorTests {
    private func expect(
        _ run: CommandRun, status: Int32 = 2, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(run.status == status, "\(run.errors)", sourceLocation: sourceLocation)
        for part in parts { #expect(run.errors.contains(part), "\(run.errors)", sourceLocation: sourceLocation) }
    }

    @Test("a missing or refused object ends a command with 2 and a message, and nothing is written")
    func refused() async throws {
        try await withPopulation { admin in
            let license = AdminDatabase.license
            for command in ["history", "show", "explain"] {
                expect(try await admin.licensing(command, "license/none"), "error: license/none has no events")
            }
            expect(try await admin.licensing("show", license, "--version", "99"), license, "9")
            expect(
                try await admin.licensing("show", license, "--at", "2020-01-01T00:00:00Z"),
                "no events at 2020-01-01T00:00:00.000Z")
            expect(try await admin.licensing("history", license, "--from", "10"), "no events of these versions")
            expect(try await admin.licensing("query", "license", #"{"$nope": 1}"#), "$nope")
            let before = try await admin.database.documents(in: "journal").count
            for dry: [String] in [[], ["--dry-run"]] {
                let refused: [(field: String, part: String)] = [
                    ("renewals=1.5", "renewals"), (#"status="gone""#, "status"), ("nope=1", "no field nope"),
                    ("member=5", "member"),
                ]
                for (field, part) in refused {
                    let run = try await admin.run(
                        "licensing", ["correct", license, "--set", field, "--reason", "r", "--actor", "a"] + dry)
                    expect(run, "error: correct \(license)", part)
                    #expect(run.output.isEmpty)
                }
                expect(
                    try await admin.run(
                        "licensing",
                        ["correct", "license/none", "--set", "renewals=1", "--reason", "r", "--actor", "a"] + dry),
                    "nothing to correct")
            }
            #expect(try await admin.database.documents(in: "journal").count == before)
            expect(try await admin.licensing("history", "book/1"), status: 64, "license, member, title")
        }
    }

    @Test("a server that cannot be reached, or does not know the user, is said without a password")
    func unreachable() async throws {
        let uri = "mongodb://ada:s3cret-word@127.0.0.1:1/?serverSelectionTimeoutMS=300"
        let commands = [
            ["history", "license/1"], ["show", "license/1"], ["explain", "license/1"], ["query", "license", "{}"],
            ["tail"],
            ["tail", "--follow"],
            ["stats"], ["init"], ["correct", "license/1", "--set", "renewals=1", "--reason", "r", "--actor", "a"],
        ]
        for command in commands {
            let run = try await CommandRun("licensing", command, environment: ["DAYBOOK_URI": uri])
            expect(run, "error: ", "no server answered")
            #expect(run.output.isEmpty)
            #expect(!run.errors.contains("s3cret-word"))
        }
        expect(
            try await CommandRun("licensing", ["stats"], environment: ["DAYBOOK_URI": ""]), status: 64, "DAYBOOK_URI")
        guard try TestServer.asksForPasswords else { return }
        var address = try ServerAddress(TestServer.uri).signingIn("nobody", "s3cret-word", knownTo: "admin")
        address.options.append("authMechanism=SCRAM-SHA-1")
        let run = try await CommandRun("licensing", ["stats"], environment: ["DAYBOOK_URI": address.uri])
        expect(run, "refused the credentials")
        #expect(!run.errors.contains("s3cret-word"))
        #expect(!run.errors.contains("daybookReader"))
    }

    @Test("a user who may only read can inspect, and learns which permission a correction needs")
    func permission() async throws {
        guard try TestServer.asksForPasswords else { return }
        try await withPopulation { admin in
            try await admin.database.prepare(for: licensingAggregates)
            let reader = try await admin.database.uri(as: .reader)
            for command in [
                ["history", AdminDatabase.license], ["show", AdminDatabase.license], ["query", "license", "{}"],
                ["tail"],
                ["stats"],
            ] {
                let run = try await admin.run("licensing", command, uri: reader)
                #expect(run.status == 0, "\(run.errors)")
            }
            let run = try await admin.run(
                "licensing",
                ["correct", AdminDatabase.license, "--set", "renewals=4", "--reason", "r", "--actor", "a"],
                uri: reader)
            expect(run, "takes the privilege", "daybookApplication", "licensing init --roles")
        }
    }

    @Test("a damaged journal is shown as far as it goes, and what is wrong is said")
    func damaged() async throws {
        try await withPopulation { admin in
            let license = AdminDatabase.license
            let journal = try await admin.database.documents(in: "journal", where: ["aggregateId": .string(license)])
            let last = try #require(journal.first { $0.integer(at: "version") == 9 })
            var unknown = try last.setting("_id", to: .binary(BSONBinary(UUID()))).setting("version", to: 10)
            unknown = try unknown.setting("type", to: "teleported").setting("meta", to: [:])
            try await admin.database.insert([unknown], into: "journal")
            let history = try await admin.daybook("history", license)
            #expect(history.status == 0)
            #expect(history.output.contains("teleported"))
            let explained = try await admin.licensing("explain", license)
            expect(explained, license, "10", "teleported")
            #expect(explained.output.contains("9  2025-05-10"))

            try await admin.database.delete(["aggregateId": .string(license), "version": 3], from: "journal")
            let gap = try await admin.daybook("history", license)
            expect(gap, status: 0, "warning: event 3 is missing")
            #expect(gap.output.split(separator: "\n").count == 10)
            expect(try await admin.licensing("explain", license), license, "gap")
        }
    }
}

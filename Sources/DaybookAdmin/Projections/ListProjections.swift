internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookSubscriptions

/// `projections list`: every projection of the database.
struct ListProjections<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "list",
            abstract: "Print every projection of the database, with its version and the number of its documents.",
            discussion: """
                PROGRAM is the version of this program; a process that runs it builds that version. STATUS is new before \
                the first process runs it or it is rebuilt, and live once events come to it. While a process makes \
                documents beside those in use, it names their version.
                """)
    }

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let found = try await options.withStore(of: Application.self) { try await $0.projections.list() }
        try await StandardOutput.write { output in
            if json {
                let documents = try found.map { BSONValue.document(try $0.document) }
                return try output.json(["projections": .array(documents)])
            }
            guard !found.isEmpty else { return try output.line("the database has no projections") }
            let rows = found.map {
                [
                    $0.name, "\($0.documents)", "\($0.version)", $0.programVersion.map { "\($0)" } ?? "-",
                    $0.state + ($0.building.map { ", building \($0)" } ?? ""),
                ].map(Text.plain)
            }
            let heading = ["NAME", "DOCUMENTS", "VERSION", "PROGRAM", "STATUS"]
            for line in Text.table([heading] + rows, numbers: Set(1...3)) { try output.line(line) }
        }
    }
}

extension ProjectionStatus {
    fileprivate var document: BSONDocument {
        get throws {
            var document: BSONDocument = [
                "name": .string(name), "documents": .int64(Int64(documents)), EventKey.version: .int32(version),
            ]
            try document.append("programVersion", ifPresent: programVersion.map { .int32($0) })
            try document.append("status", .string(state))
            try document.append("building", ifPresent: building.map { .int32($0) })
            return document
        }
    }
}

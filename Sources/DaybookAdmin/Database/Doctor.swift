internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookOperations

/// `doctor`: what is wrong, and what to do about it.
struct Doctor<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "doctor",
            abstract:
                "Look whether server, database, snapshots and the work on them are as they should be, and say what to "
                + "do.",
            discussion: """
                Each line is ok, a warning or a problem, with what was found and the remedy. What this user may not \
                look at is a warning that names the privilege. Nothing is written but a mark, which the server deletes \
                after an hour.

                Exit codes: 0 no problem, 1 problems, 2 the server cannot be reached.
                """)
    }

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let diagnosis = try await options.withStore(of: Application.self) { await $0.diagnose() }
        try await StandardOutput.write { output in
            if json { return try output.json(Self.document(diagnosis)) }
            for line in Self.lines(diagnosis) { try output.line(line) }
        }
        guard diagnosis.hasReachedServer else { throw ExitCode.failed }
        if diagnosis.problems > 0 { throw ExitCode.findings }
    }

    // MARK: Text

    static func lines(_ diagnosis: Diagnosis) -> [String] {
        let width = diagnosis.checks.map(\.name.count).max() ?? 0
        // The widest level, two spaces, the name, two spaces.
        let margin = String(repeating: " ", count: 7 + 2 + width + 2)
        var lines = diagnosis.checks.flatMap { check -> [String] in
            let detail = indented(check.detail, by: margin)
            let remedy = check.remedy.map { indented($0, by: margin) }.map { ["\(margin)-> \($0)"] } ?? []
            return ["\(Text.padded(check.level.rawValue, 7))  \(Text.padded(check.name, width))  \(detail)"] + remedy
        }
        lines.append("\(Text.counted(diagnosis.problems, "problem")), \(Text.counted(diagnosis.warnings, "warning"))")
        return lines
    }

    private static func indented(_ text: String, by margin: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { Text.plain(String($0)) }.joined(
            separator: "\n\(margin)")
    }

    // MARK: JSON

    static func document(_ diagnosis: Diagnosis) throws -> BSONDocument {
        let checks = try diagnosis.checks.map { check in
            var document: BSONDocument = [
                "name": .string(check.name), "level": .string(check.level.rawValue), "detail": .string(check.detail),
            ]
            if let remedy = check.remedy { try document.append("remedy", .string(remedy)) }
            return BSONValue.document(document)
        }
        return [
            "checks": .array(checks), "problems": .int64(Int64(diagnosis.problems)),
            "warnings": .int64(Int64(diagnosis.warnings)),
        ]
    }
}

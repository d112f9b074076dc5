import Foundation
import Testing

@Suite("The Swift code of README and articles") struct ArticleCodeTests {
    /// Where it is compiled, and most of it run.
    private static let sources = [
        "Tests/DaybookIntegrationTests/Documentation/ArticleTests.swift",
        "Tests/DaybookIntegrationTests/Documentation/GettingStartedTests.swift",
        "Tests/DaybookIntegrationTests/Documentation/ReadmeTests.swift",
        "Tests/DaybookAdminTests/Documentation/AdminArticle.swift",
        "Tests/DaybookTestingTests/WorkedExampleTests.swift",
        "Tests/SampleAggregates/Loan.swift",
        "Tests/SampleAggregates/Borrowing.swift",
    ]
    /// A test target has no `@main` of its own, and three dots stand for what a reader adds.
    private static let left: Set = ["@main", "..."]

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        .standardized

    private static func documents() throws -> [String] {
        let sources = root.appending(path: "Sources")
        let articles = try FileManager.default.subpathsOfDirectory(atPath: sources.path)
            .filter { $0.contains(".docc/") && $0.hasSuffix(".md") }
        return ["README.md"] + articles.sorted().map { "Sources/\($0)" }
    }

    @Test("every line is compiled by the tests")
    func compiled() throws {
        let sources = try Self.sources.map(text)
        // What other targets use is public where it is compiled.
        let compiled = sources.flatMap(lines).map { String($0.trimmingPrefix("public ")) }
        let known = Set(compiled).union(Self.left)
        // The formatter may wrap a line that the article has whole.
        let unwrapped = sources.joined().filter { !$0.isWhitespace }
        var blocks = 0
        for document in try Self.documents() {
            for block in try text(document).components(separatedBy: "```swift\n").dropFirst() {
                blocks += 1
                let missing = lines(block.components(separatedBy: "```").first ?? block).filter { line in
                    !known.contains(line) && !(line.count > 80 && unwrapped.contains(line.filter { !$0.isWhitespace }))
                }
                #expect(missing.isEmpty, "\(document)")
            }
        }
        #expect(blocks >= 20)
    }

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    }

    private func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
}

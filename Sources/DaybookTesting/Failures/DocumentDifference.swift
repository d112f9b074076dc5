internal import Daybook
internal import DaybookBSON

/// The differences between two documents, as text for people.
struct DocumentDifference {
    private let differences: [FieldDifference]
    private let root: String

    /// - Parameter root: The name of the document itself in a path; none when empty.
    init(_ expected: BSONDocument, _ actual: BSONDocument, root: String = "") {
        self.root = root
        differences = expected.differences(to: actual, arraysByElement: true)
    }

    /// One line for each difference, the first 20 of them.
    func lines(_ expectedWord: String = "expected", _ actualWord: String = "got") -> [String] {
        let shown = differences.prefix(20).map { difference in
            let (expected, actual) = values(of: difference)
            return "\(path(of: difference)): \(expectedWord) \(expected), \(actualWord) \(actual)"
        }
        return differences.count > shown.count ? shown + ["and \(differences.count - shown.count) more"] : shown
    }

    private func path(of difference: FieldDifference) -> String {
        let path = [root, difference.path].filter { !$0.isEmpty }.joined(separator: ".")
        return path.isEmpty ? "(all)" : path
    }

    private func values(of difference: FieldDifference) -> (String, String) {
        if case (.document(let expected), .document(let actual)) = (difference.before, difference.after) {
            // Two documents differ as a whole when they have the same fields in another order, or in other bytes.
            let (keys, others) = (expected.fields.map(\.key), actual.fields.map(\.key))
            return keys == others
                ? ("other bytes", "the same values")
                : ("the order \(keys.joined(separator: ", "))", others.joined(separator: ", "))
        }
        let shown = difference.shown()
        return (shown.before ?? "nothing", shown.after ?? "nothing")
    }
}

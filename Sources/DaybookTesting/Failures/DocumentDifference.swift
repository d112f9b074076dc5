internal import DaybookBSON

/// Where two documents differ, by paths.
struct DocumentDifference {
    /// One place where they differ.
    struct Finding: Hashable {
        var path: String
        var expected: String
        var actual: String
    }

    private(set) var findings: [Finding] = []
    private let root: String

    /// - Parameter root: How the document itself is called in a path; not at all when empty.
    init(_ expected: BSONDocument, _ actual: BSONDocument, root: String = "") {
        self.root = root
        guard expected != actual else { return }
        compare(expected, actual, [])
        if findings.isEmpty { add([], "other bytes", "the same values") }
    }

    /// One line for each finding, the first 20 of them.
    func lines(_ expectedWord: String = "expected", _ actualWord: String = "got") -> [String] {
        let shown = findings.prefix(20).map { "\($0.path): \(expectedWord) \($0.expected), \(actualWord) \($0.actual)" }
        return findings.count > shown.count ? shown + ["and \(findings.count - shown.count) more"] : shown
    }

    private mutating func add(_ path: [String], _ expected: String, _ actual: String) {
        let path = (root.isEmpty ? path : [root] + path).joined(separator: ".")
        findings.append(Finding(path: path.isEmpty ? "(all)" : path, expected: expected, actual: actual))
    }

    private mutating func compare(_ expected: BSONDocument, _ actual: BSONDocument, _ path: [String]) {
        let (expected, actual) = (expected.fields, actual.fields)
        var left = actual.enumerated().map { (order: $0.offset, field: $0.element) }
        var order: [Int] = []
        let before = findings.count
        for field in expected {
            guard let index = left.firstIndex(where: { $0.field.key.utf8.elementsEqual(field.key.utf8) }) else {
                add(path + [field.key], field.value.shown(), "nothing")
                continue
            }
            let found = left.remove(at: index)
            order.append(found.order)
            compare(field.value, found.field.value, path + [field.key])
        }
        for (_, field) in left { add(path + [field.key], "nothing", field.value.shown()) }
        if findings.count == before, order != order.sorted() {
            add(
                path, "the order \(expected.map(\.key).joined(separator: ", "))",
                "\(actual.map(\.key).joined(separator: ", "))")
        }
    }

    private mutating func compare(_ expected: BSONValue, _ actual: BSONValue, _ path: [String]) {
        guard expected != actual else { return }
        switch (expected, actual) {
        case (.document(let expected), .document(let actual)):
            compare(expected, actual, path)
        case (.array(let expected), .array(let actual)):
            for (index, (one, other)) in zip(expected, actual).enumerated() { compare(one, other, path + ["\(index)"]) }
            let both = min(expected.count, actual.count)
            for (index, value) in expected.enumerated().dropFirst(both) { add(path + ["\(index)"], value.shown(), "nothing") }
            for (index, value) in actual.enumerated().dropFirst(both) { add(path + ["\(index)"], "nothing", value.shown()) }
        default:
            let shown = (expected.shown(), actual.shown())
            // A number of another type looks the same in the relaxed form.
            guard shown.0 == shown.1 else { return add(path, shown.0, shown.1) }
            add(path, expected.shown(.canonical), actual.shown(.canonical))
        }
    }
}

extension BSONValue {
    /// As extended JSON, cut where it gets long.
    func shown(_ format: ExtendedJSONFormat = .relaxed) -> String {
        if case .document(let document) = self, document == BSONDocument() { return "{}" }
        let text = (try? extendedJSON(format)) ?? description
        return text.count > 200 ? "\(text.prefix(200))…" : text
    }
}

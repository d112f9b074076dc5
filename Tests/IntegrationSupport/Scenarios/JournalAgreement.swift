/// Checks that what was written is in the journal as often as its report says: once, not at all, or at most once. The
/// journal has no gap and no part of a commit.
///
/// - Throws: ``Disagreement``
package func expectAgreement(
    _ reports: [(write: JournalWrite, report: JournalWrite.Report)], _ fixture: DriverFixture, _ when: String = "",
    file: StaticString = #fileID, line: Int = #line
) async throws {
    let found = Dictionary(grouping: try await fixture.journal()) { $0.amount ?? 0 }.mapValues(\.count)
    var faults: [String] = []
    for (write, report) in reports {
        for amount in write.path.amounts(write.amount) {
            let count = found[Int64(amount), default: 0]
            let agrees =
                switch report {
                case .committed: count == 1
                case .open: count <= 1
                case .failed: count == 0
                }
            if !agrees {
                faults.append("\(when) \(write.path) of \(amount): \(report), and the journal has it \(count) times")
            }
        }
    }
    guard faults.isEmpty else {
        throw Disagreement(description: "\(file):\(line):\n\(faults.joined(separator: "\n"))")
    }
}

/// A journal has something else than was reported to its writers.
package struct Disagreement: Error, CustomStringConvertible {
    package let description: String
}

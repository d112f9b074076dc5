import DaybookTesting
import Foundation
import Licensing
import Testing

@Suite("Title") struct TitleTests {
    private func counted(_ dates: Date...) -> [Title.Event] {
        dates.enumerated().map { .downloadCounted(license: "L-\($0.offset)", at: $0.element, policyVersion: 1) }
    }

    private let count = Title.Command.count(license: "L-9", Terms())

    @Test("three downloads a year, and a fourth a year after the first, to the millisecond")
    func yearly() throws {
        let full = try Scenario(Title.self).given(counted(start, start + .days(1), start + .days(2)))
        let limit = Refusal(.titleYearlyLimitReached, limit: 3)
        try full.when(count, at: start + .days(2)).thenRejected(limit)
        try full.when(count, at: start + .days(365) - .millisecond).thenRejected(limit)
        let again = try full.when(count, at: start + .days(365))
            .then(.downloadCounted(license: "L-9", at: start + .days(365), policyVersion: 1))
        try again.when(count, at: start + .days(366) - .millisecond).thenRejected(limit)
        try again.when(count, at: start + .days(366)).then(
            .downloadCounted(license: "L-9", at: start + .days(366), policyVersion: 1))
    }

    @Test("limit and window are the policy's", arguments: [0, 1, 5])
    func policy(limit: Int) throws {
        let terms = Terms.with { ($0.version, $0.downloadsPerTitle, $0.downloadWindowDays) = (4, limit, 7) }
        var title = Scenario(Title.self)
        for _ in 0..<limit {
            try title.when(.count(license: "L-1", terms), at: start).then(
                .downloadCounted(license: "L-1", at: start, policyVersion: 4))
            title = try title.given(.downloadCounted(license: "L-1", at: start, policyVersion: 4))
        }
        try title.when(.count(license: "L-1", terms), at: start + .days(7) - .millisecond)
            .thenRejected(Refusal(.titleYearlyLimitReached, limit: limit))
        if limit > 0 { try title.when(.count(license: "L-1", terms), at: start + .days(7)).thenState { _ in } }
    }

    @Test("a correction leaves the latest downloads, or adds some that count from now")
    func correct() throws {
        let now = start + .days(10)
        func correct(_ count: Int) -> Title.Command {
            .correct(count: count, reason: "failed", operator: "o-1", Terms())
        }
        let full = try Scenario(Title.self).given(counted(start, start + .days(1), start + .days(2)))
        try full.when(correct(3), at: now).thenNothing()
        try full.when(correct(1), at: now).then(
            .countCorrected(downloads: [start + .days(2)], reason: "failed", operator: "o-1")
        )
        .when(count, at: now).thenState { #expect($0.downloads == [start + .days(2), now]) }
        try full.when(correct(0), at: now).then(.countCorrected(downloads: [], reason: "failed", operator: "o-1"))
        try full.when(correct(4), at: now)
            .then(
                .countCorrected(
                    downloads: [start, start + .days(1), start + .days(2), now], reason: "failed", operator: "o-1"))
        try Scenario(Title.self).when(correct(1), at: now).then(
            .countCorrected(downloads: [now], reason: "failed", operator: "o-1"))
        // What is out of the window is not counted, and goes.
        try full.when(correct(3), at: start + .days(366)).thenState {
            #expect($0.downloads == [start + .days(2)] + [start, start].map { $0 + .days(366) })
        }
        for wrong in [-1, 101, .max, .min] {
            try full.when(correct(wrong)).thenRejected(Refusal(.illegalTransition, limit: 100))
        }
    }

    @Test("the same events give the same state, and the state is what it was")
    func golden() throws {
        let history =
            counted(start, start + .days(1)) + [
                .countCorrected(downloads: [start + .days(1)], reason: "failed", operator: "o-1"),
                .downloadCounted(license: "L-9", at: start + .days(2), policyVersion: 2),
            ]
        try checkDeterminism(of: Title.self, events: history)
        try checkGolden(Title.self, events: history, file: "Golden/title.json")
    }
}

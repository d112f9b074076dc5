import Daybook
import DaybookSubscriptions
import DaybookTesting
import Foundation
import Licensing
import Testing

@testable import LicensingService

/// The views of the domain, and that they are made of the events alone.
@Suite struct ViewTests {
    private static let created = License.Event.created(
        member: "m-1", device: "d-1", title: "t-1", studio: "s-1", expiresAt: License.expiry, policyVersion: 1)

    @Test("an overview has the plan, the devices of the open licences, and how many licences there are and were")
    func overview() throws {
        let scenario = try ProjectionScenario(MemberOverview.self)
            .given(
                "m-1", of: Member.self, .planChanged(plan: .premium), .opened(1, device: "d-2"),
                .opened(2, device: "d-1"), .opened(3, device: "d-2")
            )
            .given("L-1", of: License.self, Self.created, .downloaded)
            .given("L-2", of: License.self, Self.created)
            .given("L-3", of: License.self, Self.created)
            .thenDocument("m-1") { overview in
                #expect(overview.plan == .premium && overview.devices == ["d-1", "d-2"])
                #expect(overview.openCount == 3 && overview.acquired == 3)
                #expect(overview.open.map(\.license) == ["L-1", "L-2", "L-3"])
            }
        try scenario
            .given("m-1", of: Member.self, .licenseClosed(license: "L-1"))
            .given("L-1", of: License.self, .released(reason: "watched"))
            .thenDocument("m-1") { #expect($0.devices == ["d-1", "d-2"] && $0.openCount == 2 && $0.acquired == 3) }
            .given(
                "m-1", of: Member.self, .deviceRemoved(device: "d-2"), .licenseClosed(license: "L-3"),
                .planChanged(plan: .basic)
            )
            .thenDocument("m-1") { overview in
                #expect(overview.plan == .basic && overview.devices == ["d-1"])
                #expect(overview.openCount == 1 && overview.acquired == 3)
            }
            .thenKeys("m-1")
    }

    @Test("downloads of a title are counted over its members, by the month in UTC in which they were made")
    func downloads() throws {
        // 2025-03-31T23:59:59.999Z
        let end = Date(timeIntervalSince1970: 1_743_465_599.999)
        func download(_ date: Date) -> Title.Event {
            .downloadCounted(license: "L-1", at: date, policyVersion: 1)
        }
        try ProjectionScenario(TitleDownloads.self)
            .given("m-1:t-1", of: Title.self, download(end), download(end + .millisecond))
            .given("m-2:t-1", of: Title.self, download(end - .days(30)), download(end))
            .given("m-2:a:b/c", of: Title.self, download(end))
            .given(
                "m-1:t-1", of: Title.self,
                .countCorrected(downloads: [], reason: "failed downloads", operator: "o-1"), download(end)
            )
            .thenDocument("t-1/2025-03") { #expect($0.count == 4) }
            .thenDocument("t-1/2025-04") { #expect($0.count == 1) }
            .thenDocument("a:b/c/2025-03") { #expect($0.count == 1) }
            .thenKeys("t-1/2025-03", "t-1/2025-04", "a:b/c/2025-03")
    }

    // MARK: A year of a population

    /// Members who begin, renew, lose and end licences, as `licensing seed` makes them.
    private func stories(seed: UInt64) async throws -> [MemberStory] {
        var stories: [MemberStory] = []
        for number in 1...12 {
            var story = MemberStory(number: number, seed: seed, licenses: number % 5 * 3)
            try await story.live()
            stories.append(story)
        }
        return stories
    }

    @Test("every overview is what the members and licences themselves say", arguments: [1, 2, 3] as [UInt64])
    func overviews(seed: UInt64) async throws {
        let stories = try await stories(seed: seed)
        let scenario = try ProjectionScenario(MemberOverview.self).given(stories.map { .all(of: $0.batch) })
        var keys: Set<String> = []
        for story in stories where story.batch.events > 0 {
            let id = story.member
            let member = try await story.batch.transaction { try await $0.load(id, of: Member.self).state }
            keys.insert(id)
            try scenario.thenDocument(id) { overview in
                #expect(overview.plan == member.plan && overview.open == member.open)
                #expect(overview.devices == member.devices.sorted())
                #expect(overview.openCount == member.open.count && overview.acquired == story.licenses)
            }
        }
        try scenario.thenKeys(keys)
    }

    @Test("every month's downloads are what the events of its title say", arguments: [1, 2, 3] as [UInt64])
    func months(seed: UInt64) async throws {
        let stories = try await stories(seed: seed)
        var counts: [String: Int] = [:]
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        for event in stories.flatMap(\.batch.storedEvents) where event.aggregateID.type == Title.type {
            guard case .downloadCounted(_, let date, _) = try event.decoded(as: Title.self).event else { continue }
            let month = calendar.dateComponents([.year, .month], from: date)
            let title = try #require(event.aggregateID.key.split(separator: ":").last)
            counts[String(format: "\(title)/%d-%02d", month.year ?? 0, month.month ?? 0), default: 0] += 1
        }
        let scenario = try ProjectionScenario(TitleDownloads.self).given(stories.map { .all(of: $0.batch) })
        for (key, count) in counts { try scenario.thenDocument(key) { #expect($0.count == count) } }
        try scenario.thenKeys(counts.keys)
        #expect(counts.values.reduce(0, +) == stories.reduce(0) { $0 + $1.licenses })
    }

    @Test("no document depends on how events of different aggregates interleave")
    func interleavings() async throws {
        let events = try await stories(seed: 4).map { GivenEvents.all(of: $0.batch) }
        try checkInterleavings(of: MemberOverview.self, events: events, rounds: 20)
        try checkInterleavings(of: TitleDownloads.self, events: events, rounds: 20)
    }
}

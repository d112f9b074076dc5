import Daybook
import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Licensing
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct LicensingViewTests {
    @Test("the views follow members who act at the same time, and are what members, licences and titles say (G13)")
    func views() async throws {
        try await withTestStore(for: licensingAggregates, subscriptions: licensingSubscriptions) { store in
            let service = try DaybookStore(
                store.configuration, aggregates: store.aggregates, subscriptions: licensingSubscriptions)
            let run = Task { try await service.run() }
            defer { run.cancel() }
            let acquired = try await act(members: 4, in: LicensingApplication(store: store))
            await eventually("the views have caught up") {
                let statuses = try? await store.subscriptions.list()
                return statuses?.map(\.behind) == [0, 0]
            }
            let overviews = store.view(MemberOverview.self)
            for (id, acquired) in acquired {
                let member = try await store.repository(Member.self).load(id).state
                let overview = try #require(try await overviews.find(id)).document
                #expect(overview.plan == member.plan && overview.open == member.open)
                #expect(overview.devices == member.devices.sorted() && overview.openCount == member.open.count)
                #expect(overview.acquired == acquired)
            }
            #expect(try await overviews.count() == acquired.count)
            var downloads = 0
            for try await month in store.view(TitleDownloads.self).query() { downloads += month.document.count }
            #expect(downloads == acquired.values.reduce(0, +))
            #expect(try await store.projections.verify().map(\.total) == [0, 0])

            let commit = try #require(
                try await store.repository(Member.self).execute(.changePlan(.premium), on: "m-new"))
            try await overviews.wait(for: commit, timeout: .seconds(30))
            #expect(try await overviews.find("m-new")?.document.plan == .premium)
            run.cancel()
            try? await run.value
        }
    }

    /// Lets each member acquire and give back licences, lose a device and change the plan.
    ///
    /// - Returns: How many licences each has acquired.
    private func act(
        members: Int, in licensing: LicensingApplication<DaybookStore>
    ) async throws -> [String: Int] {
        try await withThrowingTaskGroup(of: (String, Int).self) { group in
            for number in 1...members {
                group.addTask { ("m-\(number)", try await act(as: "m-\(number)", UInt64(number), in: licensing)) }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    private func act(
        as member: String, _ seed: UInt64, in licensing: LicensingApplication<DaybookStore>
    ) async throws -> Int {
        var random = SeededGenerator(seed: seed)
        var open: [String] = []
        var acquired = 0
        _ = try await licensing.changePlan(of: member, to: .standard)
        for step in 0..<20 {
            do {
                switch Int.random(in: 0..<10, using: &random) {
                case 0: _ = try await licensing.changePlan(of: member, to: step % 2 == 0 ? .premium : .standard)
                case 1: _ = try await licensing.removeDevice("d-1", of: member)
                case 2, 3:
                    if let license = open.popLast() { _ = try await licensing.release(license, reason: "watched") }
                default:
                    let license = try await licensing.acquire(
                        member: member, device: "d-\(Int.random(in: 1...3, using: &random))",
                        title: "t-\(Int.random(in: 1...9, using: &random))", studio: "s-1",
                        Request(key: "k-\(step)"))
                    open.append(license.id.key)
                    acquired += 1
                }
            } catch is Refusal {}
        }
        return acquired
    }
}

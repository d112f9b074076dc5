import Daybook
import DaybookTesting
import Foundation
import Licensing
import Testing

/// The application on a store in memory: what each request asks of which aggregates.
@Suite("LicensingApplication") struct ApplicationTests {
    private let batch = BulkBatch(clock: SimulatedClock(at: start).commitClock)
    private var licensing: LicensingApplication<BulkBatch> { LicensingApplication(store: batch, clock: { start }) }

    private func acquire(_ key: String, device: String = "d-1", title: String = "t-1", at now: Date = start)
        async throws
        -> String
    {
        try await licensing.acquire(
            member: "m-1", device: device, title: title, studio: "s-1", Request(key: key, at: now)
        ).id.key
    }

    private func member() async throws -> Snapshot<Member> {
        try await batch.transaction { try await $0.load("m-1", of: Member.self) }
    }
    private func title() async throws -> Title {
        try await batch.transaction { try await $0.load("m-1:t-1", of: Title.self).state }
    }
    private func license(_ id: String) async throws -> License {
        try await batch.transaction { try await $0.load(id, of: License.self).state }
    }

    @Test("an acquisition is one commit on licence, member and title")
    func acquisition() async throws {
        let id = try await acquire("k-1")
        #expect(batch.commits == 1 && batch.events == 3)
        #expect(try await member().state.open.map(\.license) == [id])
        #expect(try await title().downloads == [start])
        #expect(try await license(id).status == .issued)
    }

    @Test("a retried acquisition is the first licence, also when it has been released since and the policy has changed")
    func retry() async throws {
        let id = try await acquire("k-1")
        #expect(try await acquire("k-1") == id)
        _ = try await licensing.release(id, reason: "watched")
        var second = Policy()
        second.version = 2
        let later = LicensingApplication(
            store: batch, policies: PolicyBook([second]), availableUntil: { _ in start + 1 })
        let again = try await later.acquire(
            member: "m-1", device: "d-1", title: "t-1", studio: "s-1", Request(key: "k-1", at: start + 10))
        #expect(again.id.key == id && again.state.status == .released)
        #expect(batch.commits == 2)
        #expect(try await member().state.open.isEmpty)
        #expect(try await title().downloads.count == 1)
    }

    @Test("a key that is used for another acquisition is found out, and nothing is done")
    func keyReused() async throws {
        _ = try await acquire("k-1")
        await #expect { _ = try await acquire("k-1", title: "t-2") } throws: {
            ($0 as? DaybookError)?.code == .commandIDReused
        }
        #expect(batch.commits == 1)
    }

    @Test("a refusal of any of the aggregates leaves no trace on the others")
    func refusal() async throws {
        for number in 1...3 { _ = try await licensing.release(acquire("k-\(number)"), reason: "watched") }
        let before = try await member()
        await #expect(throws: Refusal(.titleYearlyLimitReached, limit: 3)) { try await acquire("k-4") }
        #expect(try await member() == before)
        #expect(try await license(License.id(member: "m-1", key: "k-4")).status == .unissued)
        // A refusal is not remembered: a year later the same request is granted.
        _ = try await acquire("k-4", at: start + .days(365))
    }

    @Test("a release is one commit on licence and member; an identical retry is accepted, with and without its key")
    func release() async throws {
        let id = try await acquire("k-1")
        _ = try await licensing.release(id, reason: "watched", Request(key: "r-1"))
        #expect(try await member().state.open.isEmpty && batch.commits == 2)
        for key in ["r-1", nil, "r-2"] { _ = try await licensing.release(id, reason: "watched", Request(key: key)) }
        #expect(batch.commits == 2)
        await #expect(throws: Refusal(.licenseFinal)) { try await licensing.release(id, reason: "lost") }
        await #expect(throws: Refusal(.licenseFinal)) {
            try await licensing.revoke(id, reason: "watched", operator: "o-1")
        }
        // The same device and title again: another licence.
        #expect(try await acquire("k-2") != id)
        _ = try await licensing.release(id, reason: "watched", Request(key: "r-1"))
        #expect(try await member().state.open.count == 1)
    }

    @Test("an expired licence stays open: it sits on its device until it is released")
    func expired() async throws {
        let id = try await acquire("k-1")
        _ = try await licensing.expire(id, Request(at: start + .days(30)))
        #expect(try await member().state.open.count == 1)
        await #expect(throws: Refusal(.deviceLimitReached, limit: 1)) {
            try await acquire("k-2", device: "d-2", title: "t-2")
        }
        await #expect(throws: Refusal(.licenseAlreadyOpen, limit: 1)) { try await acquire("k-2") }
        _ = try await licensing.revoke(id, reason: "abuse", operator: "o-1")
        _ = try await acquire("k-2", device: "d-2", title: "t-2")
    }

    @Test(
        "a device is removed with its licences in one commit; a retry does not touch what came later",
        arguments: [1, 3, 40])
    func removeDevice(count: Int) async throws {
        _ = try await licensing.changePlan(of: "m-1", to: .standard)
        var ids: [String] = []
        for number in 1...count {
            let device = "d-1"
            ids.append(
                try await licensing.acquire(
                    member: "m-1", device: device, title: "t-\(number)", studio: "s-\(number / 20)",
                    Request(key: "k-\(number)")
                ).id.key)
        }
        let other = try await acquire("other", device: "d-2", title: "t-x")
        let before = batch.commits
        let removed = try await licensing.removeDevice("d-1", of: "m-1", Request(key: "remove"))
        #expect(removed.state.open.map(\.license) == [other])
        #expect(batch.commits == before + 1)
        for id in ids {
            let license = try await license(id)
            #expect(license.status == .released && license.reason == "deviceRemoved")
        }
        let new = try await acquire("new", device: "d-1", title: "t-y")
        _ = try await licensing.removeDevice("d-1", of: "m-1", Request(key: "remove"))
        #expect(try await license(new).status == .issued)
        #expect(try await member().state.open.map(\.license) == [other, new])
    }

    @Test("removing a device without licences does nothing")
    func removeNothing() async throws {
        let member = try await licensing.removeDevice("d-1", of: "m-1", Request(key: "remove"))
        #expect(member.version == 0 && batch.commits == 0)
    }

    @Test("renewals ask for the title's availability, and for the policy at their time")
    func renew() async throws {
        var second = Policy()
        (second.version, second.effectiveFrom, second.licenseDays) = (2, start + .days(10), 90)
        let licensing = LicensingApplication(
            store: batch, policies: PolicyBook([Policy(), second]),
            availableUntil: { $0 == "t-1" ? start + .days(60) : nil })
        let short = try await licensing.acquire(
            member: "m-1", device: "d-1", title: "t-1", studio: "s-1", Request(at: start)
        ).id
            .key
        let long = try await licensing.acquire(
            member: "m-1", device: "d-1", title: "t-2", studio: "s-1", Request(at: start)
        ).id
            .key
        #expect(try await licensing.renew(short, Request(at: start + .days(10))).state.expiresAt == start + .days(60))
        #expect(
            try await licensing.renew(long, Request(at: start + .days(10) - 1)).state.expiresAt == start + .days(40) - 1
        )
        #expect(try await licensing.renew(long, Request(at: start + .days(10))).state.expiresAt == start + .days(100))
        await #expect(throws: Refusal(.titleUnavailable)) {
            try await licensing.renew(short, Request(at: start + .days(60)))
        }
    }

    @Test("a licence that was never issued is unknown to every command")
    func unknown() async throws {
        let unknown = LicensingError.unknownLicense("L-0")
        await #expect(throws: unknown) { try await licensing.confirmDownload("L-0") }
        await #expect(throws: unknown) { try await licensing.recordSessions([], of: "L-0") }
        await #expect(throws: unknown) { try await licensing.renew("L-0") }
        await #expect(throws: unknown) { try await licensing.expire("L-0") }
        await #expect(throws: unknown) { try await licensing.release("L-0", reason: "x") }
        await #expect(throws: unknown) { try await licensing.revoke("L-0", reason: "x", operator: "o") }
        await #expect(throws: unknown) {
            try await licensing.correctExpiry(of: "L-0", to: start, reason: "x", operator: "o")
        }
    }

    @Test("an expected version is compared with the licence's")
    func expecting() async throws {
        let id = try await acquire("k-1")
        await #expect { try await licensing.release(id, reason: "x", Request(expecting: 2)) } throws: {
            let error = $0 as? DaybookError
            return error?.code == .conflict && error?.version == 1
        }
        #expect(try await licensing.release(id, reason: "x", Request(expecting: 1)).version == 2)
    }

    @Test("a member has no colon, so that no two members share a title's count", arguments: ["", "m:1", ":"])
    func colon(member: String) async throws {
        await #expect(throws: LicensingError.invalidMember(member)) {
            try await licensing.acquire(member: member, device: "d", title: "t", studio: "s")
        }
        await #expect(throws: LicensingError.invalidMember(member)) {
            try await licensing.correctDownloadCount(of: "t", for: member, to: 1, reason: "x", operator: "o")
        }
    }

    @Test("a licence's id follows from member and key, and from nothing else")
    func ids() {
        #expect(License.id(member: "m-1", key: "k-1") == License.id(member: "m-1", key: "k-1"))
        let ids = ["m-1", "m-2", "m"].flatMap { member in
            ["k-1", "k-2", ":k-1", ""].map { License.id(member: member, key: $0) }
        }
        #expect(Set(ids).count == ids.count)
        #expect(ids.allSatisfy { UUID(uuidString: $0) != nil && $0.dropFirst(14).first == "8" })
        // In the journal for good: it must never change.
        #expect(License.id(member: "m-1", key: "k-1") == "bd922475-5fab-8629-bf21-ba296f2014d7")
    }
}

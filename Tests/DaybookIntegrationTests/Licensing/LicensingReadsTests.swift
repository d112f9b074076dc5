import Daybook
import DaybookTesting
import Foundation
import IntegrationSupport
import Licensing
import Testing

@Suite struct LicensingReadsTests {
    @Test("a licence is read as it is, as it was at a version and at a date, and with its history: who, when and why")
    func license() async throws {
        let clock = SimulatedClock()
        try await withTestStore(for: licensingAggregates, configure: { $0.clock = clock.commitClock }) { store in
            let licensing = LicensingApplication(store: store, clock: { clock.now })
            let context = CommandContext(correlationID: "c-1", actor: "m-1")
            let id = try await licensing.acquire(
                member: "m-1", device: "d-1", title: "t-1", studio: "s-1", Request(key: "k-1", context: context)
            ).id.key
            clock.advance(by: .seconds(86_400))
            _ = try await licensing.confirmDownload(id)
            clock.advance(by: .seconds(86_400))
            let context2 = CommandContext(actor: "operator-1")
            _ = try await licensing.revoke(id, reason: "abuse", operator: "operator-1", Request(context: context2))

            #expect(try await licensing.license(id).state.status == .revoked)
            #expect(try await licensing.license(id, at: .version(2)).state.status == .downloaded)
            #expect(try await licensing.license(id, at: .date(SimulatedClock.start + 86_399)).state.status == .issued)
            await #expect(throws: LicensingError.unknownLicense(id)) {
                try await licensing.license(id, at: .date(SimulatedClock.start - 1))
            }
            await #expect(throws: LicensingError.unknownLicense("L-0")) { try await licensing.license("L-0") }

            let events = try await licensing.events(of: id).reduce(into: []) { $0.append($1) }
            #expect(events.map(\.type) == ["created", "downloaded", "revoked"])
            #expect(events.map(\.metadata.actor) == ["m-1", nil, "operator-1"])
            #expect(events.map(\.metadata.commandName) == ["create", "confirmDownload", "revoke"])
            #expect(events[0].metadata.commandID == "k-1" && events[0].metadata.correlationID == "c-1")
            let commit = try await store.participants(of: events[0].commitID)
            #expect(commit.map(\.aggregateID.rawValue) == ["license/\(id)", "member/m-1", "title/m-1:t-1"])
            let end = try await store.participants(of: events[2].commitID)
            #expect(end.map(\.aggregateID.rawValue) == ["license/\(id)", "member/m-1"])
        }
    }

    @Test("a member's licences are found by status and device, page by page, without those of other members")
    func licenses() async throws {
        try await withTestStore(for: licensingAggregates) { store in
            let licensing = LicensingApplication(store: store)
            for member in ["m-1", "m-2"] {
                _ = try await licensing.changePlan(of: member, to: .standard)
                for number in 1...7 {
                    let id = try await licensing.acquire(
                        member: member, device: number > 5 ? "d-2" : "d-1", title: "t-\(number)", studio: "s-1",
                        Request(key: "k-\(number)")
                    ).id.key
                    if number.isMultiple(of: 2) { _ = try await licensing.confirmDownload(id) }
                }
            }
            func titles(_ status: License.Status? = nil, _ device: String? = nil) async throws -> Set<String> {
                var titles: [String] = []
                var key: PageKey?
                repeat {
                    let page = try await licensing.licenses(
                        of: "m-1", status: status, device: device, limit: 2, after: key)
                    #expect(page.items.allSatisfy { $0.state.member == "m-1" })
                    titles += page.items.map(\.state.title)
                    key = page.next
                } while key != nil
                #expect(Set(titles).count == titles.count)
                return Set(titles)
            }
            #expect(try await titles() == Set((1...7).map { "t-\($0)" }))
            #expect(try await titles(.downloaded) == ["t-2", "t-4", "t-6"])
            #expect(try await titles(nil, "d-2") == ["t-6", "t-7"])
            #expect(try await titles(.issued, "d-2") == ["t-7"])
            #expect(try await titles(.revoked).isEmpty)
        }
    }

    @Test("G3: a retry under a new policy, on a store, is the same command; another command with its key is found out")
    func retry() async throws {
        try await withTestStore(for: licensingAggregates) { store in
            var second = Policy()
            (second.version, second.licenseDays) = (2, 90)
            let first = LicensingApplication(store: store)
            let later = LicensingApplication(
                store: store, policies: PolicyBook([second]), availableUntil: { _ in .distantFuture })
            func acquire(_ licensing: LicensingApplication<DaybookStore>, title: String = "t-1") async throws
                -> Snapshot<License>
            {
                try await licensing.acquire(
                    member: "m-1", device: "d-1", title: title, studio: "s-1", Request(key: "k-1"))
            }
            let license = try await acquire(first)
            let again = try await acquire(later)
            #expect(again.state == license.state && again.version == license.version)
            let id = license.id.key
            let renewed = try await first.renew(id, Request(key: "r-1"))
            let renewedAgain = try await later.renew(id, Request(key: "r-1"))
            #expect(renewedAgain.state == renewed.state && renewedAgain.version == renewed.version)
            await #expect { _ = try await acquire(later, title: "t-2") } throws: {
                ($0 as? DaybookError)?.code == .commandIDReused
            }
            await #expect { _ = try await later.release(id, reason: "x", Request(key: "r-1")) } throws: {
                ($0 as? DaybookError)?.code == .commandIDReused
            }
        }
    }
}

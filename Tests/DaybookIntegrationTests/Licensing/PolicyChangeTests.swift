import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Licensing
import Testing

@Suite struct PolicyChangeTests {
    @Test("a new policy leaves every outcome of the past year as it was, to the byte, and decides what comes")
    func change() async throws {
        try await withTestStore(for: licensingAggregates) { store in
            let year = Date(timeIntervalSince1970: 1_735_689_600)
            let day: TimeInterval = 86_400
            let old = LicensingApplication(store: store)
            var ids: [String] = []
            for number in 0..<12 {
                let time = year + Double(number) * 30 * day
                let license = try await old.acquire(
                    member: "m-\(number % 3)", device: "d", title: "t-\(number)", studio: "s",
                    Request(key: "k-\(number)", at: time))
                ids.append(license.id.key)
                for renewal in 0..<number % 3 {
                    _ = try await old.renew(license.id.key, Request(at: time + Double(renewal + 1) * day))
                }
            }
            let journal = try await store.raw.documents(in: "journal")
            let snapshots = try await store.raw.documents(in: "snapshots.license")

            var second = Policy()
            (second.version, second.effectiveFrom, second.licenseDays, second.maximumRenewals) = (
                2, year + 365 * day, 90, 2
            )
            let new = LicensingApplication(store: store, policies: PolicyBook([Policy(), second]))
            let now = year + 366 * day

            // Nothing has moved, whether it is read from snapshots or folded anew.
            #expect(try await store.raw.documents(in: "snapshots.license") == snapshots)
            for (number, id) in ids.enumerated() {
                let license = try await new.license(id)
                let folded = try await new.license(id, at: .version(license.version))
                #expect(folded.state == license.state)
                #expect(license.state.expiresAt == year + Double(number * 30 + number % 3 + 30) * day)
                #expect(license.state.policyVersion == 1)
            }
            // What is asked from now on is decided under the new one.
            let fresh = try await new.acquire(
                member: "m-9", device: "d", title: "t", studio: "s", Request(key: "k", at: now))
            #expect(fresh.state.expiresAt == now + 90 * day && fresh.state.policyVersion == 2)
            let renewed = try await new.renew(ids[1], Request(at: now))
            #expect(renewed.state.expiresAt == now + 90 * day && renewed.state.policyVersion == 2)
            await #expect(throws: Refusal(.renewalLimitReached, limit: 2)) {
                try await new.renew(ids[2], Request(at: now))
            }
            // A request that says an earlier time is decided as it was then.
            #expect(try await new.renew(ids[0], Request(at: year + day)).state.expiresAt == year + 31 * day)

            // The journal is what it was, and more; and so are the snapshots that nobody has touched.
            let after = try await store.raw.documents(in: "journal")
            #expect(Set(after).isSuperset(of: journal) && after.count == journal.count + 5)
            let touched = Set([ids[0], ids[1]].map { "license/\($0)" })
            let untouched = snapshots.filter { !touched.contains($0.string(at: "_id") ?? "") }
            #expect(untouched.count == 10)
            #expect(Set(try await store.raw.documents(in: "snapshots.license")).isSuperset(of: untouched))
            #expect(try await new.license(ids[1], at: .version(2)).state.expiresAt == year + 61 * day)
        }
    }
}

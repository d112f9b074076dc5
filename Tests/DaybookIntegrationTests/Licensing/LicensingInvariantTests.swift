import Daybook
import Foundation
import IntegrationSupport
import Licensing
import Testing

@Suite struct LicensingInvariantTests {
    @Test(
        "G2: after random requests of sixteen tasks whose processes are killed, open licences, states and counts agree",
        .timeLimit(.minutes(15)))
    func invariant() async throws {
        // A server keeps the transaction of a dead client for a minute and a half.
        try await withTestStore(for: licensingAggregates, configure: { $0.commitTimeout = .seconds(150) }) { store in
            let kills = 2 + TestScale.requests / 1_000
            var failure: (any Error)?
            do {
                for run in 1...kills {
                    try await CommitWriter.killLicensing(
                        after: (TestScale.requests + kills - 1) / kills, in: store, key: "run-\(run)")
                }
                let books = try await Books(store)
                #expect(books.faults.isEmpty, "\(books.faults)")
                #expect(!books.licenses.isEmpty)
                // Of few requests chance may leave out a status that takes several in a row.
                let statuses = TestScale.requests < 1_000 ? 2 : 4
                #expect(
                    Set(books.licenses.map(\.state.status)).count >= statuses,
                    "hardly anything happened: nothing was proven")
                print(
                    "\(kills) processes killed; \(books.licenses.count) licences of \(books.members.count) members agree"
                )
            } catch {
                failure = error
            }
            // Also after a failure: the local server hangs when a database is dropped while a dead client's transaction
            // is open in it.
            try await goOn(store, kills)
            if let failure { throw failure }
            let books = try await Books(store)
            #expect(books.faults.isEmpty, "\(books.faults)")
            #expect(!books.members.contains { !$0.state.open.isEmpty })
        }
    }

    /// The next writer goes on: a commit on every member that someone died over, and on every licence that is open.
    private func goOn(_ store: DaybookStore, _ kills: Int) async throws {
        let licensing = LicensingApplication(store: store)
        for run in 1...kills {
            for number in 1...8 {
                let member = "run-\(run)-m-\(number)"
                let plan = try await licensing.member(member).state.plan
                let other = try await licensing.changePlan(of: member, to: plan == .basic ? .premium : .basic)
                for open in other.state.open { _ = try await licensing.release(open.license, reason: "end") }
            }
        }
    }
}

/// What the three kinds of aggregates say of one another.
private struct Books {
    let licenses: [Snapshot<License>]
    let members: [Snapshot<Member>]
    let titles: [Snapshot<Title>]
    private(set) var faults: [String] = []

    init(_ store: DaybookStore) async throws {
        licenses = try await store.repository(License.self).query().reduce(into: []) { $0.append($1) }
        members = try await store.repository(Member.self).query().reduce(into: []) { $0.append($1) }
        titles = try await store.repository(Title.self).query().reduce(into: []) { $0.append($1) }
        let open = Dictionary(grouping: licenses.filter { !$0.state.status.isFinal }, by: \.state.member)
        let known = Set(members.map(\.id.key))
        for license in licenses where !known.contains(license.state.member) {
            faults.append("\(license.id) has no member")
        }
        for member in members {
            let wanted = Set(
                (open[member.id.key] ?? []).map { [$0.id.key, $0.state.device, $0.state.title, $0.state.studio] })
            let found = member.state.open.map { [$0.license, $0.device, $0.title, $0.studio] }
            if Set(found) != wanted || found.count != wanted.count {
                faults.append("\(member.id) has \(found), not \(wanted)")
            }
            if Set(member.state.open.map { [$0.device, $0.title] }).count != found.count {
                faults.append("\(member.id): two licences")
            }
            if member.state.devices.count > 4 {
                faults.append("\(member.id) has \(member.state.devices.count) devices")
            }
            if found.count > 25 { faults.append("\(member.id) has \(found.count) licences of a studio") }
        }
        let downloads = Dictionary(grouping: licenses) { Title.key(member: $0.state.member, title: $0.state.title) }
        for title in titles where title.state.downloads.count != downloads[title.id.key]?.count {
            faults.append(
                "\(title.id) counts \(title.state.downloads.count), not \(downloads[title.id.key]?.count ?? 0)")
        }
        if titles.count != downloads.count { faults.append("\(titles.count) titles, not \(downloads.count)") }
        for license in licenses {
            let folded = try await store.repository(License.self).load(license.id.key, at: .version(license.version))
            if folded.state != license.state { faults.append("\(license.id) is not what its events say") }
        }
    }
}

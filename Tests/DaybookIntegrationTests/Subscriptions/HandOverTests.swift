import Daybook
import DaybookBSON
import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Testing

@Suite("A projection whose process is killed", .serialized, .timeLimit(.minutes(30)))
struct HandOverTests {
    private enum Moment: CaseIterable { case scan, seam, live }

    @Test("G13: has each event once and in order, wherever in the scan, at the seam and after it the kills are")
    func killed() async throws {
        let accounts = max(40, TestScale.handOverEvents / 2_500)
        try await withArrivals { store in
            try await store.deposit(TestScale.handOverEvents, on: accounts)
            try await store.besideWriters(on: accounts) {
                for number in 0..<TestScale.handOverKills {
                    // The scan is over after the first seam.
                    let moment: Moment =
                        number < (TestScale.handOverKills + 1) / 2 ? .scan : number.isMultiple(of: 2) ? .seam : .live
                    try await kill(at: moment, in: store)
                }
            }
            let runner = try store.startRunner()
            #expect(try await store.isPosted(within: .seconds(900)))
            try await store.kill(runner)
            #expect(try await store.subscriptions.verify().map(\.total) == [0])
            try await store.expectExactArrivals()
        }
    }

    private func kill(at moment: Moment, in store: DaybookStore) async throws {
        let before = try await store.progress().batches
        let runner = try store.startRunner(delay: moment == .scan ? 100 : 20)
        let isThere = try await eventually("the runner is there", within: .seconds(600)) {
            let (isScanning, batches) = try await store.progress()
            switch moment {
            case .scan: return batches >= before + 16
            case .seam, .live: return batches > before && !isScanning.isEmpty && !isScanning.contains(true)
            }
        }
        #expect(isThere, "\(moment)")
        // The moment of the crash; nothing is waited for.
        if moment != .seam { try await Task.sleep(for: .milliseconds(Int.random(in: 0...400))) }
        try await store.kill(runner)
    }
}

import DaybookTesting
import Licensing
import Testing

@Suite("Member") struct MemberTests {
    @Test("a plan's devices may hold licences, and no further one", arguments: zip(Member.Plan.allCases, [1, 2, 4]))
    func devices(plan: Member.Plan, limit: Int) throws {
        let full = try Scenario(Member.self).given(.planChanged(plan: plan))
            .given((1...limit).map { .opened($0, device: "d-\($0)") })
        try full.when(.open(9, device: "d-9")).thenRejected(Refusal(.deviceLimitReached, limit: limit))
        // One that holds a licence already takes no further place.
        try full.when(.open(9, device: "d-1")).then(.opened(9, device: "d-1"))
        // Nor does one whose last licence is closed.
        try full.given(.licenseClosed(license: "L-1")).when(.open(9, device: "d-9")).then(.opened(9, device: "d-9"))
    }

    @Test("a member that was never seen has the basic plan")
    func unseen() throws {
        try Scenario(Member.self).when(.changePlan(.basic)).thenNothing()
        try Scenario(Member.self).given(.opened(1)).when(.open(2, device: "d-2")).thenRejected(
            Refusal(.deviceLimitReached, limit: 1))
    }

    @Test("after a change to a smaller plan nothing is taken away, and nothing opened before the devices fit")
    func downgrade() throws {
        let member = try Scenario(Member.self).given(
            .planChanged(plan: .standard), .opened(1, device: "d-1"), .opened(2, device: "d-2")
        )
        .when(.changePlan(.basic)).then(.planChanged(plan: .basic)).thenState { #expect($0.open.count == 2) }
        try member.when(.open(3, device: "d-1")).thenRejected(Refusal(.deviceLimitReached, limit: 1))
        try member.when(.removeDevice("d-2")).when(.open(3, device: "d-1")).then(.opened(3, device: "d-1"))
    }

    @Test("open licences of one studio have a limit, and other studios do not matter")
    func studio() throws {
        let full = try Scenario(Member.self).given((1...25).map { .opened($0) })
        try full.when(.open(26)).thenRejected(Refusal(.studioLimitReached, limit: 25))
        try full.when(.open(26, studio: "s-2")).then(.opened(26, studio: "s-2"))
        try full.given(.licenseClosed(license: "L-7")).when(.open(26)).then(.opened(26))
        try Scenario(Member.self).given((1...24).map { .opened($0) }).when(.open(25)).then(.opened(25))
    }

    @Test("one licence is open per device and title; the same one again changes nothing")
    func alreadyOpen() throws {
        let member = try Scenario(Member.self).given(.planChanged(plan: .standard), .opened(1))
        let terms = Terms()
        try member.when(.open(license: "L-2", device: "d-1", title: "t-1", studio: "s-1", terms))
            .thenRejected(Refusal(.licenseAlreadyOpen, limit: 1))
        try member.when(.open(license: "L-2", device: "d-2", title: "t-1", studio: "s-1", terms))
            .then(.licenseOpened(license: "L-2", device: "d-2", title: "t-1", studio: "s-1", policyVersion: 1))
        try member.when(.open(1)).thenNothing()
        try member.given(.licenseClosed(license: "L-1")).when(
            .open(license: "L-2", device: "d-1", title: "t-1", studio: "s-1", terms)
        )
        .then(.licenseOpened(license: "L-2", device: "d-1", title: "t-1", studio: "s-1", policyVersion: 1))
    }

    @Test("closing what is not open changes nothing")
    func close() throws {
        try Scenario(Member.self).when(.close(license: "L-1")).thenNothing()
        try Scenario(Member.self).given(.opened(1), .opened(2)).when(.close(license: "L-1")).then(
            .licenseClosed(license: "L-1")
        )
        .thenState { #expect($0.open.map(\.license) == ["L-2"]) }
        .when(.close(license: "L-1")).thenNothing()
    }

    @Test("removing a device closes every licence on it, and no other; without any there is nothing to remove")
    func removeDevice() throws {
        try Scenario(Member.self).when(.removeDevice("d-1")).thenNothing()
        try Scenario(Member.self).given(
            .planChanged(plan: .standard), .opened(1), .opened(2, device: "d-2"), .opened(3)
        )
        .when(.removeDevice("d-1"))
        .then(.deviceRemoved(device: "d-1"), .licenseClosed(license: "L-1"), .licenseClosed(license: "L-3"))
        .thenState { #expect($0.devices == ["d-2"]) }
        .when(.removeDevice("d-1")).thenNothing()
    }

    static let history: [Member.Event] = [
        .planChanged(plan: .premium), .opened(1), .opened(2, device: "d-2"), .licenseClosed(license: "L-1"), .opened(3),
        .deviceRemoved(device: "d-2"), .licenseClosed(license: "L-2"), .planChanged(plan: .basic),
    ]

    @Test("the same events give the same state, and the state is what it was")
    func golden() throws {
        try checkDeterminism(of: Member.self, events: Self.history)
        try checkGolden(Member.self, events: Self.history, file: "Golden/member.json")
    }
}

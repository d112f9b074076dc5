@testable import DaybookAdmin
import Synchronization
import Testing

@Suite("Progress")
struct ProgressDisplayTests {
    /// A display whose time is the test's.
    private final class Stage: Sendable {
        private let state = Mutex((now: ContinuousClock.now, text: ""))
        var text: String { state.withLock { $0.text } }

        func display(_ style: ProgressDisplay.Style, of total: Int?) -> ProgressDisplay {
            ProgressDisplay(
                "events", of: total, style: style, now: { self.state.withLock { $0.now } },
                write: { text in self.state.withLock { $0.text += text } })
        }

        func pass(_ duration: Duration) { state.withLock { $0.now += duration } }
    }

    @Test(
        "a bar is full at most, and empty at least",
        arguments: [(Int.max, 1), (.min, 1), (1, .max), (.max, .max), (5, 0)])
    func extremes(done: Int, total: Int) {
        let stage = Stage()
        let display = stage.display(.bar, of: total)
        stage.pass(.seconds(1))
        display.update(done)
        #expect(stage.text.contains("\(done)/\(total) events"))
        #expect(stage.text.count { $0 == "#" || $0 == "." && stage.text.contains("[") } >= 30)
    }

    @Test("elsewhere than on a terminal there is a line every ten seconds, and none for what takes less")
    func lines() {
        let stage = Stage()
        let display = stage.display(.lines, of: 1_000)
        for second in 1...21 {
            stage.pass(.seconds(1))
            display.update(second * 10, findings: second > 15 ? 1 : 0)
        }
        display.finish()
        #expect(
            stage.text == """
                100 of 1000 events, 10/s, 1 min 30 s left, 0 findings
                200 of 1000 events, 10/s, 1 min 20 s left, 1 finding

                """)
        let short = Stage()
        let other = short.display(.lines, of: nil)
        short.pass(.seconds(9))
        other.update(5)
        other.finish()
        #expect(short.text.isEmpty)
    }

    @Test("on a terminal there is a bar, drawn again at most ten times a second, and last as it is at the end")
    func bar() {
        let stage = Stage()
        let display = stage.display(.bar, of: 40)
        stage.pass(.seconds(10))
        for done in 10...19 {
            stage.pass(.milliseconds(10))
            display.update(done)
        }
        stage.pass(.seconds(10))
        display.update(40, findings: 2)
        display.finish()
        #expect(
            stage.text == "\r[#######.......................] 10/40 events, 1.0/s, 31 s left\u{1B}[K"
                + "\r[##############################] 40/40 events, 2.0/s, 0 s left, 2 findings\u{1B}[K"
                + "\r[##############################] 40/40 events, 2.0/s, 0 s left, 2 findings\u{1B}[K\n")
    }

    @Test("the display accepts no work, an unknown total and a total that was too small; a quiet one shows nothing")
    func edges() {
        let stage = Stage()
        stage.display(.bar, of: 0).update(0)
        #expect(stage.text == "\r[##############################] 0/0 events, 0.0/s\u{1B}[K")
        let unknown = Stage()
        let display = unknown.display(.lines, of: nil)
        unknown.pass(.seconds(100_000))
        display.update(7)
        display.update(3)
        #expect(unknown.text == "7 events, 0.0/s\n")
        let small = Stage()
        let other = small.display(.lines, of: 5)
        small.pass(.seconds(10))
        other.update(50)
        #expect(small.text == "50 of 5 events, 5.0/s, 0 s left\n")
        let quiet = Stage()
        let silent = quiet.display(.none, of: 5)
        quiet.pass(.seconds(100))
        silent.update(5)
        silent.finish()
        #expect(quiet.text.isEmpty)
    }
}

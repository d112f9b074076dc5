@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookSubscriptions
import Foundation
import Testing

@Suite("The earliest of several positions")
struct FeedPositionEarliestTests {
    private func token(_ name: String) throws -> ResumeToken {
        try #require(ResumeToken(["_data": .string(name)]))
    }

    private func id(_ number: UInt64) -> UUID { EventID(milliseconds: number, random: { 0 }).uuid }

    private func time(_ seconds: UInt32, _ increment: UInt32 = 1) -> BSONTimestamp {
        BSONTimestamp(seconds: seconds, increment: increment)
    }

    @Test("is none of none, and one of equal ones, also without a time")
    func trivial() throws {
        #expect(FeedPosition.earliest(of: []) == nil)
        let position = FeedPosition(.following, token: try token("a"))
        #expect(FeedPosition.earliest(of: [position]) == position)
        #expect(FeedPosition.earliest(of: [position, position]) == position)
    }

    @Test("that follow is the one of the earliest time, whatever the tokens are")
    func following() throws {
        let early = FeedPosition(.following, token: try token("z"), time: time(5, 2))
        let late = FeedPosition(.following, token: try token("a"), time: time(5, 3))
        #expect(FeedPosition.earliest(of: [late, early]) == early)
        #expect(FeedPosition.earliest(of: [early, late]) == early)
        // A time is compared by its seconds first.
        let latest = FeedPosition(.following, token: try token("a"), time: time(6, 1))
        #expect(FeedPosition.earliest(of: [latest, late]) == late)
    }

    @Test("of which one scans is a scan: from the least id, at the earliest token")
    func scanning() throws {
        let following = FeedPosition(.following, token: try token("f"), time: time(3))
        let near = FeedPosition(.scanning(after: id(10)), token: try token("n"), time: time(5))
        let far = FeedPosition(.scanning(after: id(20)), token: try token("r"), time: time(4))
        let all = FeedPosition(.scanning(after: nil), token: try token("b"), time: time(9))
        #expect(
            FeedPosition.earliest(of: [far, near])
                == FeedPosition(.scanning(after: id(10)), token: try token("r"), time: time(4)))
        #expect(
            FeedPosition.earliest(of: [far, following, near])
                == FeedPosition(.scanning(after: id(10)), token: try token("f"), time: time(3)))
        #expect(
            FeedPosition.earliest(of: [near, all])
                == FeedPosition(.scanning(after: nil), token: try token("n"), time: time(5)))
    }

    @Test("is the beginning of the journal where a time is not known: tokens are not compared")
    func unknown() throws {
        let known = FeedPosition(.following, token: try token("a"), time: time(3))
        let unknown = FeedPosition(.following, token: try token("b"))
        #expect(FeedPosition.earliest(of: [known, unknown]) == nil)
        #expect(FeedPosition.earliest(of: [unknown, known]) == nil)
    }
}

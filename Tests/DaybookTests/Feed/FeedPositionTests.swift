@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import Testing

@Suite("FeedPosition")
struct FeedPositionTests {
    private let token = ResumeToken(["_data": "82"])
    private let time = BSONTimestamp(seconds: 1_700_000_000, increment: 5)
    private let margin: UInt64 = 600_000

    private func id(_ milliseconds: UInt64) -> UUID { EventID(milliseconds: milliseconds, random: { 1 << 40 }).uuid }

    @Test("the stored form is read again; so is a bare token of an earlier version, and nothing else")
    func stored() throws {
        let token = try #require(token)
        for stage in [FeedPosition.Stage.following, .scanning(after: nil), .scanning(after: UUID())] {
            for time in [time, nil] {
                let position = FeedPosition(stage, token: token, time: time)
                #expect(FeedPosition(position.document) == position)
            }
        }
        #expect(FeedPosition(token.document) == FeedPosition(.following, token: token))
        for document in [[:], ["token": "82"], ["token": [:]], ["after": .null]] as [BSONDocument] {
            #expect(FeedPosition(document) == nil)
        }
        #expect(
            FeedPosition(["token": .document(token.document), "after": "damaged"])
                == FeedPosition(.scanning(after: nil), token: token))
    }

    @Test(
        "a new scan begins ten minutes before the lost place, or where the scan was, and without a time at the beginning"
    )
    func scanStart() throws {
        let token = try #require(token)
        func start(_ stage: FeedPosition.Stage, _ time: BSONTimestamp?) -> UUID? {
            FeedPosition(stage, token: token, time: time).scanStart
        }
        let earliest = UInt64(time.seconds) * 1_000 - margin
        let found = EventID(try #require(start(.following, time)))
        #expect(found.milliseconds == earliest)
        #expect(found < EventID(id(earliest)), "no id of that time is left out")
        #expect(start(.scanning(after: id(earliest - 1)), time) == id(earliest - 1))
        #expect(start(.scanning(after: id(earliest + 1)), time).map(EventID.init) == found)
        #expect(start(.scanning(after: nil), time) == nil)
        #expect(start(.scanning(after: id(earliest)), nil) == nil)
        #expect(start(.following, nil) == nil)
        #expect(start(.following, BSONTimestamp(seconds: 1, increment: 0)).map { EventID($0).milliseconds } == 0)
    }
}

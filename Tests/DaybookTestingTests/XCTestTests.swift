import DaybookTesting
import XCTest

/// The checks in the other framework.
final class XCTestTests: XCTestCase {
    func testARightAggregatePasses() throws {
        try Scenario(Sum.self).given(.added(amount: 1)).when(.add(2)).then(.added(amount: 2))
            .thenState { XCTAssertEqual($0.total, 3) }
        try checkDeterminism(of: Sum.self, events: [.added(amount: 1), .reset])
    }

    func testAFailureIsThrownAndReadsAsItsDescription() {
        XCTAssertThrowsError(try Scenario(Sum.self).when(.reset).thenNothing()) { error in
            XCTAssertTrue("\(error)".hasPrefix("DaybookTestingTests/XCTestTests.swift:"))
            XCTAssertTrue("\(error)".hasSuffix("(- expected, + decided):\n+ 1 reset"))
        }
    }
}

internal import Daybook
internal import SampleAggregates

/// Checks that account `key` was given exactly `amounts`, in this order, and that what the library loads is that.
///
/// - Throws: ``OtherDeposits``
package func expectDeposits(
    _ amounts: [Int64], on key: String = "a", _ fixture: DriverFixture, file: StaticString = #fileID, line: Int = #line
) async throws {
    let events = try await fixture.journal().filter { $0.aggregateID == "account/\(key)" }
    let account = try await withDaybook(DaybookConfiguration(uri: TestServer.uri, database: fixture.database)) {
        store in
        try await store.repository(Account.self).load(key)
    }
    let found = events.map(\.amount)
    guard found == amounts, account.version == Int64(amounts.count), account.state.balance == Int(amounts.reduce(0, +))
    else {
        throw OtherDeposits(
            description: "\(file):\(line): account/\(key) was to have the deposits \(amounts); it has \(found), "
                + "and is loaded at version \(account.version) with \(account.state.balance)")
    }
}

/// An account has other deposits than a test expects.
package struct OtherDeposits: Error, CustomStringConvertible {
    package let description: String
}

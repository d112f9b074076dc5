@testable import Daybook
import DaybookMongo
import IntegrationSupport

extension DaybookStore {
    /// Its database behind its back, over its own connections.
    var raw: RawDatabase { RawDatabase(client: client, name: database) }

    /// Whether every connection comes back. What an abandoned iterator held is given back a little after its end of life, on the connection's
    /// own thread, so this looks until it is so.
    func returnsEveryConnection(within patience: Duration = .seconds(10)) async -> Bool {
        let end = ContinuousClock.now + patience
        while client.connectionsInUse > 0 {
            guard ContinuousClock.now < end else { return false }
            await Task.yield()
        }
        return true
    }
}

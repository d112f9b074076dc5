package import Daybook
package import DaybookMongo

/// Handles events in the transaction in which they are posted.
package protocol PostedHandler: Sendable {
    /// The indexes of its view; nil for one without a view.
    var indexes: [IndexModel]? { get }

    /// Handles events in order, in the connection's open transaction.
    ///
    /// - Throws: ``EventFailure`` where one event is the cause.
    func handle(
        _ events: [StoredEvent], in storage: SubscriptionStorage, on connection: isolated MongoConnection
    ) async throws
}

/// An event could not be handled.
package struct EventFailure: Error {
    /// Its index among the events that were given.
    package let index: Int
    package let error: any Error

    package init(index: Int, error: any Error) {
        self.index = index
        self.error = error
    }
}

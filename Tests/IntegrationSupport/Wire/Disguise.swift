package import DaybookBSON

/// What a ``FaultProxy`` makes of everything that goes through it, faults apart: another kind of server than the one
/// that is there.
///
/// Its methods are called on the connections' threads, and must not wait.
package protocol Disguise: Sendable {
    /// The command as the server is to get it.
    func request(_ exchange: FaultProxy.Exchange) -> BSONDocument

    /// The reply in place of the server's, which then does not get the command; nil lets the command through.
    func answer(to exchange: FaultProxy.Exchange) -> BSONDocument?

    /// The server's reply as the client is to get it.
    ///
    /// - Parameter port: The proxy's, by which the client knows the server.
    func reply(_ reply: BSONDocument, to exchange: FaultProxy.Exchange, through port: UInt16) -> BSONDocument
}

extension Disguise {
    package func request(_ exchange: FaultProxy.Exchange) -> BSONDocument { exchange.request }
    package func answer(to exchange: FaultProxy.Exchange) -> BSONDocument? { nil }
    package func reply(_ reply: BSONDocument, to exchange: FaultProxy.Exchange, through port: UInt16) -> BSONDocument {
        reply
    }
}

extension FaultProxy.Exchange {
    /// Whether it asks the server what it is, under the new name or the old ones.
    package var isHello: Bool { ["hello", "isMaster", "ismaster"].contains(command) }

    /// Whether it belongs to a transaction, whose commands all have `autocommit: false`.
    package var isInTransaction: Bool { request["autocommit"] != nil }
}

/// A server of an older version, by the wire version that it says it speaks at most.
struct OlderServer: Disguise {
    let maximumWireVersion: Int32

    func reply(_ reply: BSONDocument, to exchange: FaultProxy.Exchange, through port: UInt16) -> BSONDocument {
        guard exchange.isHello, reply["maxWireVersion"] != nil else { return reply }
        return (try? reply.setting("maxWireVersion", to: .int32(maximumWireVersion))) ?? reply
    }
}

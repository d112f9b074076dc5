package import DaybookBSON
internal import Foundation

/// A TCP proxy on loopback that knows MongoDB's messages well enough to lose chosen ones.
///
/// ```swift
/// let proxy = try FaultProxy(to: port)
/// proxy.fail("commitTransaction", .dropReply)
/// ```
package final class FaultProxy: Sendable {
    package enum Fault: Sendable {
        /// The server does the command; its client sees the connection end instead of the reply.
        case dropReply
        /// The connection ends before the server has heard of the command.
        case dropRequest
        /// The command stays here until ``FaultProxy/release()``, and reaches the server then, whether or not its client still waits.
        case hold
    }

    /// What the server was asked and answered, in order of arrival; a dropped reply counts.
    package struct Exchange: Sendable {
        package let command: String
        package let request: BSONDocument
        /// The documents of an insert, or the statements of an update or a delete, where they travel beside the request.
        package let statements: [BSONDocument]
        package fileprivate(set) var reply: BSONDocument?
        package fileprivate(set) var fault: Fault?
    }

    private struct Rule {
        let command: String
        let fault: Fault
        var skip: Int
        var times: Int
    }

    /// `@unchecked Sendable`: touched only while `condition` is held.
    private final class State: @unchecked Sendable {
        var rules: [Rule] = []
        var exchanges: [Exchange] = []
        var sessions: Set<BSONDocument> = []
        var links: [ObjectIdentifier: Link] = [:]
        var held = 0
        var isReleased = false
        var isClosed = false
    }

    /// One client's connection and ours to the server, with a thread for each direction.
    ///
    /// `@unchecked Sendable`: what varies is touched only while the proxy's condition is held.
    private final class Link: @unchecked Sendable {
        let client: LocalSocket
        let server: LocalSocket
        /// Places in `exchanges` of the requests that wait for their reply.
        var pending: [Int32: Int] = [:]
        var dropped: Set<Int32> = []
        var pumps = 2

        init(client: LocalSocket, server: LocalSocket) {
            self.client = client
            self.server = server
        }

        func shutDown() {
            client.shutDown()
            server.shutDown()
        }
    }

    private let listener: LocalListener
    private let condition: NSCondition
    private let state: State

    /// - Parameter maximumWireVersion: What the server says that it speaks at most, where it is to be taken for an older one.
    package init(to port: UInt16, maximumWireVersion: Int32? = nil) throws {
        let (condition, state) = (NSCondition(), State())
        self.condition = condition
        self.state = state
        listener = try LocalListener(name: "proxy") { client in
            guard let server = try? LocalSocket.connected(to: port) else { return client.close() }
            let link = Link(client: client, server: server)
            let isOpen = condition.withLock {
                if !state.isClosed { state.links[ObjectIdentifier(link)] = link }
                return !state.isClosed
            }
            guard isOpen else {
                client.close()
                return server.close()
            }
            LocalListener.start("proxy-replies") { Self.pumpReplies(link, maximumWireVersion, condition, state) }
            Self.pumpRequests(link, condition, state)
        }
    }

    package var port: UInt16 { listener.port }

    // MARK: Faults

    /// Lets `fault` happen to commands named `command`: to `times` of them, after the first `skip`.
    package func fail(_ command: String, _ fault: Fault, skip: Int = 0, times: Int = 1) {
        condition.withLock {
            if case .hold = fault { state.isReleased = false }
            state.rules.append(Rule(command: command, fault: fault, skip: skip, times: times))
        }
    }

    /// Takes back every fault that has not happened yet.
    package func heal() {
        condition.withLock { state.rules = [] }
    }

    /// Sends what is held to the server, and returns when it has been answered.
    package func release() async {
        condition.withLock {
            state.isReleased = true
            condition.broadcast()
        }
        await eventually("what was held is answered") { self.held == 0 }
    }

    /// How many commands are held.
    package var held: Int { condition.withLock { state.held } }

    /// How many commands met with a fault.
    package var faults: Int { condition.withLock { state.exchanges.count { $0.fault != nil } } }

    // MARK: What went through

    package var exchanges: [Exchange] { condition.withLock { state.exchanges } }

    /// How many commands of that name arrived.
    package func count(_ command: String) -> Int { exchanges.count { $0.command == command } }

    /// The sessions (`lsid`) of every command so far.
    package var sessions: Set<BSONDocument> { condition.withLock { state.sessions } }

    /// Forgets what went through so far.
    package func forget() {
        condition.withLock {
            state.exchanges = []
            for link in state.links.values { link.pending = [:] }
        }
    }

    package func close() {
        listener.close()
        condition.withLock {
            state.isClosed = true
            for link in state.links.values { link.shutDown() }
            condition.broadcast()
        }
    }

    // MARK: Pumps

    private static func pumpRequests(_ link: Link, _ condition: NSCondition, _ state: State) {
        pump: while let message = WireMessage.read(from: link.client) {
            let fault = condition.withLock { arrival(of: message, link, state) }
            switch fault {
            case nil, .dropReply:
                guard link.server.send(message.bytes) else { break pump }
            case .dropRequest:
                break pump
            case .hold:
                condition.withLock {
                    while !state.isReleased && !state.isClosed { condition.wait() }
                }
                guard link.server.send(message.bytes) else {
                    condition.withLock { state.held -= 1 }
                    break pump
                }
                // Until it is answered the connection stays: the server must not see its client go.
                condition.withLock {
                    while link.pending[message.requestID] != nil && link.pumps == 2 && !state.isClosed { condition.wait() }
                    state.held -= 1
                }
            }
        }
        end(link, condition, state)
    }

    private static func pumpReplies(
        _ link: Link, _ maximumWireVersion: Int32?, _ condition: NSCondition, _ state: State
    ) {
        while var message = WireMessage.read(from: link.server) {
            if let maximumWireVersion { message.replaceInt32("maxWireVersion", with: maximumWireVersion) }
            let isDropped = condition.withLock {
                if let place = link.pending.removeValue(forKey: message.responseTo), place < state.exchanges.count {
                    state.exchanges[place].reply = message.body
                }
                condition.broadcast()
                return link.dropped.contains(message.responseTo)
            }
            if isDropped || !link.client.send(message.bytes) { break }
        }
        end(link, condition, state)
    }

    /// Writes the request down, and says what is to happen to it.
    private static func arrival(of message: WireMessage, _ link: Link, _ state: State) -> Fault? {
        guard let body = message.body, let command = message.commandName else { return nil }
        var exchange = Exchange(command: command, request: body, statements: message.sequence)
        if let index = state.rules.firstIndex(where: { $0.command == command && $0.times > 0 }) {
            if state.rules[index].skip > 0 {
                state.rules[index].skip -= 1
            } else {
                state.rules[index].times -= 1
                exchange.fault = state.rules[index].fault
            }
        }
        state.exchanges.append(exchange)
        if case .document(let session) = body["lsid"] { state.sessions.insert(session) }
        link.pending[message.requestID] = state.exchanges.count - 1
        switch exchange.fault {
        case .dropReply: link.dropped.insert(message.requestID)
        case .hold: state.held += 1
        default: break
        }
        return exchange.fault
    }

    /// The second of a link's threads to end closes its sockets.
    private static func end(_ link: Link, _ condition: NSCondition, _ state: State) {
        link.shutDown()
        condition.withLock {
            link.pumps -= 1
            condition.broadcast()
            guard link.pumps == 0 else { return }
            state.links[ObjectIdentifier(link)] = nil
            link.client.close()
            link.server.close()
        }
    }
}

package import DaybookBSON
internal import Foundation

/// A TCP proxy on loopback that knows MongoDB's messages well enough to lose chosen ones, and to answer in the server's
/// place.
///
/// ```swift
/// let proxy = try FaultProxy(to: port)
/// proxy.fail("commitTransaction", .dropReply)
/// ```
///
/// A ``Disguise`` makes another kind of server of the one behind it, such as a ``Mongos``.
package final class FaultProxy: Sendable {
    package enum Fault: Sendable, Equatable {
        /// The server does the command; its client sees the connection end instead of the reply.
        case dropReply
        /// The connection ends before the server has heard of the command.
        case dropRequest
        /// The command stays here until ``FaultProxy/release()``, and reaches the server then, whether or not its
        /// client still waits.
        case hold
        /// The client gets another reply than the server's.
        case answer(Answer)
    }

    /// A reply that is made here. It is known by its name.
    package struct Answer: Sendable, Equatable, CustomStringConvertible {
        /// What the server does of the command.
        package enum Work: Sendable {
            case nothing
            case everything
            /// Only those statements of an insert, update or delete.
            case statements(@Sendable (BSONDocument) -> Bool)
            /// Another command, made of this one.
            case instead(@Sendable (BSONDocument) -> BSONDocument)
            /// Nothing before ``FaultProxy/release()``, and everything then, as long as the client keeps its
            /// connection.
            case later
        }

        package let description: String
        package let work: Work
        /// What the client is told. The exchange has the server's reply by then, where the server did something.
        package let reply: @Sendable (Exchange) -> BSONDocument

        package init(_ name: String, _ work: Work, _ reply: @escaping @Sendable (Exchange) -> BSONDocument) {
            description = name
            self.work = work
            self.reply = reply
        }

        package static func == (left: Answer, right: Answer) -> Bool { left.description == right.description }
    }

    /// What the server was asked and answered, in order of arrival; a dropped reply counts.
    package struct Exchange: Sendable {
        package let command: String
        package let request: BSONDocument
        /// The documents of an insert, or the statements of an update or a delete, where they travel beside the
        /// request.
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
        /// The requests that wait for their reply: each with its place in `exchanges`, and as it was when it came.
        var pending: [Int32: (place: Int, exchange: Exchange)] = [:]
        var dropped: Set<Int32> = []
        /// Commands that were answered and are still to reach the server.
        var late: [WireMessage] = []
        var pumps = 2
        private let sending = NSLock()

        init(client: LocalSocket, server: LocalSocket) {
            self.client = client
            self.server = server
        }

        func sendToServer(_ message: WireMessage) -> Bool { sending.withLock { server.send(message.bytes) } }

        func shutDown() {
            client.shutDown()
            server.shutDown()
        }
    }

    private let listener: LocalListener
    private let condition: NSCondition
    private let state: State

    /// - Parameters:
    ///   - maximumWireVersion: What the server says that it speaks at most, where it is to be taken for an older one.
    ///   - disguises: What else the server is to be taken for; the first stands before the server, the last before the
    ///     client.
    package init(to port: UInt16, maximumWireVersion: Int32? = nil, as disguises: [any Disguise] = []) throws {
        let disguises = disguises + (maximumWireVersion.map { [OlderServer(maximumWireVersion: $0)] } ?? [])
        let (condition, state) = (NSCondition(), State())
        self.condition = condition
        self.state = state
        listener = try LocalListener(name: "proxy") { client, ownPort in
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
            let pumps = Pumps(link: link, disguises: disguises, port: ownPort, condition: condition, state: state)
            LocalListener.start("proxy-replies") { pumps.pumpReplies() }
            pumps.pumpRequests()
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
        let late = condition.withLock {
            state.isReleased = true
            condition.broadcast()
            return state.links.values.flatMap { link in
                defer { link.late = [] }
                return link.late.map { (link, $0) }
            }
        }
        for (link, message) in late { _ = link.sendToServer(message) }
        await eventually("what was held is answered") { self.held == 0 }
    }

    /// How many commands are held, or answered before the server has them.
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
            // A reply that is still to come keeps its disguise. A driver that sees the real server's address connects
            // to that from then on.
            for link in state.links.values { link.pending = link.pending.mapValues { (.max, $0.exchange) } }
        }
    }

    /// Ends every connection there is; new ones are accepted.
    package func closeConnections() {
        condition.withLock {
            for link in state.links.values { link.shutDown() }
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

    /// The two threads of a link.
    private struct Pumps: Sendable {
        let link: Link
        let disguises: [any Disguise]
        let port: UInt16
        let condition: NSCondition
        let state: State

        func pumpRequests() {
            pump: while let message = WireMessage.read(from: link.client) {
                let (exchange, fault) = condition.withLock { arrival(of: message) }
                if let exchange, fault == nil, let answer = answer(to: exchange) {
                    guard send(answer, for: exchange, to: message) else { break }
                    continue
                }
                let request = exchange.map { disguised(message, $0) } ?? message
                switch fault {
                case nil, .dropReply:
                    guard link.sendToServer(request) else { break pump }
                case .dropRequest:
                    break pump
                case .hold:
                    guard hold(request) else { break pump }
                case .answer(let answer):
                    guard let exchange, give(answer, exchange, to: request) else { break pump }
                }
            }
            end()
        }

        func pumpReplies() {
            while var message = WireMessage.read(from: link.server) {
                let (pending, isDropped) = condition.withLock { departure(of: message) }
                if isDropped { break }
                guard let (exchange, isLate) = pending else {
                    if link.client.send(message.bytes) { continue } else { break }
                }
                if isLate { continue }
                if let reply = exchange.reply {
                    var shown = reply
                    if case .answer(let answer) = exchange.fault { shown = answer.reply(exchange) }
                    for disguise in disguises { shown = disguise.reply(shown, to: exchange, through: port) }
                    if shown != reply { message = message.replacingBody(with: shown) }
                }
                guard link.client.send(message.bytes) else { break }
            }
            end()
        }

        private func disguised(_ message: WireMessage, _ exchange: Exchange) -> WireMessage {
            var exchange = exchange
            for disguise in disguises { exchange = exchange.asking(disguise.request(exchange)) }
            return exchange.request == message.body ? message : message.replacingBody(with: exchange.request)
        }

        private func answer(to exchange: Exchange) -> BSONDocument? {
            for disguise in disguises { if let answer = disguise.answer(to: exchange) { return answer } }
            return nil
        }

        private func hold(_ request: WireMessage) -> Bool {
            condition.withLock {
                while !state.isReleased && !state.isClosed { condition.wait() }
            }
            guard link.sendToServer(request) else {
                condition.withLock { state.held -= 1 }
                return false
            }
            // Until it is answered the connection stays: the server must not see its client go.
            condition.withLock {
                while link.pending[request.requestID] != nil && link.pumps == 2 && !state.isClosed { condition.wait() }
                state.held -= 1
            }
            return true
        }

        private func give(_ answer: Answer, _ exchange: Exchange, to request: WireMessage) -> Bool {
            switch answer.work {
            case .everything: return link.sendToServer(request)
            case .statements(let isDone) where exchange.statements.contains(where: isDone):
                return link.sendToServer(request.keeping(isDone))
            case .instead(let other):
                guard let body = request.body else { return false }
                return link.sendToServer(request.replacingBody(with: other(body)))
            case .nothing, .statements, .later:
                return send(answer.reply(exchange), for: exchange, to: request)
            }
        }

        /// Answers in the server's place.
        private func send(_ reply: BSONDocument, for exchange: Exchange, to request: WireMessage) -> Bool {
            if !exchange.isLate {
                condition.withLock {
                    guard let place = link.pending.removeValue(forKey: request.requestID)?.place else { return }
                    if place < state.exchanges.count { state.exchanges[place].reply = reply }
                }
            }
            let shown = disguises.reduce(reply) { $1.reply($0, to: exchange, through: port) }
            return link.client.send(WireMessage.reply(shown, to: request).bytes)
        }

        /// Writes the request down, and says what is to happen to it.
        private func arrival(of message: WireMessage) -> (Exchange?, Fault?) {
            guard let body = message.body, let command = message.commandName else { return (nil, nil) }
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
            link.pending[message.requestID] = (state.exchanges.count - 1, exchange)
            switch exchange.fault {
            case .dropReply: link.dropped.insert(message.requestID)
            case .hold: state.held += 1
            case .answer where exchange.isLate:
                link.late.append(message)
                state.held += 1
            default: break
            }
            return (exchange, exchange.fault)
        }

        /// Writes the reply down: what it answers, and whether the client has had an answer or is to have none.
        private func departure(of message: WireMessage) -> ((exchange: Exchange, isLate: Bool)?, isDropped: Bool) {
            defer { condition.broadcast() }
            let isDropped = link.dropped.contains(message.responseTo)
            guard let (place, asked) = link.pending.removeValue(forKey: message.responseTo) else {
                return (nil, isDropped)
            }
            var exchange = asked
            exchange.reply = message.body
            if place < state.exchanges.count { state.exchanges[place].reply = exchange.reply }
            // The next one names this one as what it answers, or the request once more.
            if message.hasMoreToCome {
                for id in [message.requestID, message.responseTo] { link.pending[id] = (place, exchange) }
            }
            if exchange.isLate { state.held -= 1 }
            return ((exchange, exchange.isLate), isDropped)
        }

        /// The second of a link's threads to end closes its sockets.
        private func end() {
            link.shutDown()
            condition.withLock {
                link.pumps -= 1
                condition.broadcast()
                guard link.pumps == 0 else { return }
                state.held -= link.pending.values.count { $0.exchange.isLate }
                state.links[ObjectIdentifier(link)] = nil
                link.client.close()
                link.server.close()
            }
        }
    }
}

extension FaultProxy.Exchange {
    /// Whether its client is answered before the server gets it.
    fileprivate var isLate: Bool {
        guard case .answer(let answer) = fault, case .later = answer.work else { return false }
        return true
    }

    fileprivate func asking(_ request: BSONDocument) -> FaultProxy.Exchange {
        var copy = FaultProxy.Exchange(command: command, request: request, statements: statements)
        (copy.reply, copy.fault) = (reply, fault)
        return copy
    }
}

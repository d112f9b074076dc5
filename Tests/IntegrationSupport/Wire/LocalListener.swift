internal import Foundation
internal import Synchronization

/// Accepts connections on a free port of loopback, and serves each on a thread of its own until ``close()``.
final class LocalListener: Sendable {
    let port: UInt16
    private let socket: LocalSocket
    private let isClosed = Mutex(false)

    /// - Parameter serve: Called on the connection's thread, with the port that it came to; it closes the socket.
    init(name: String, serve: @escaping @Sendable (LocalSocket, _ port: UInt16) -> Void) throws {
        let socket = try LocalSocket.listening()
        let port = socket.port
        (self.socket, self.port) = (socket, port)
        Self.start("\(name)-accept") {
            while let client = socket.accepted() {
                Self.start("\(name)-serve") { serve(client, port) }
            }
            socket.close()
        }
    }

    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.name = name
        thread.stackSize = 1 << 20
        thread.start()
    }

    func close() {
        let isFirst = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        // The accepting thread wakes, and closes the descriptor itself: nobody else may take its number while it is in
        // use.
        if isFirst { socket.shutDown() }
    }
}

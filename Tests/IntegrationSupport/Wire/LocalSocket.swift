internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A TCP socket on loopback, with blocking calls.
struct LocalSocket: Sendable {
    let descriptor: Int32

    struct Failure: Error, CustomStringConvertible {
        let operation: String
        let number: Int32
        var description: String { "\(operation): \(String(cString: strerror(number)))" }
    }

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Listens on a free port of 127.0.0.1.
    static func listening() throws -> LocalSocket {
        let listener = try make()
        var address = address(port: 0)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0, listen(listener.descriptor, 128) == 0 else {
            defer { listener.close() }
            throw Failure(operation: "listen", number: errno)
        }
        return listener
    }

    static func connected(to port: UInt16) throws -> LocalSocket {
        let socket = try make()
        var address = address(port: port)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            defer { socket.close() }
            throw Failure(operation: "connect", number: errno)
        }
        return socket
    }

    /// The port it is bound to.
    var port: UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return UInt16(bigEndian: address.sin_port)
    }

    /// The next client; nil when the listener was shut down.
    func accepted() -> LocalSocket? {
        while true {
            let client = accept(descriptor, nil, nil)
            if client >= 0 {
                Self.configure(client)
                return LocalSocket(descriptor: client)
            }
            guard errno == EINTR || errno == ECONNABORTED else { return nil }
        }
    }

    /// Sends everything; false when the other side is gone.
    func send(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let count = platformSend(
                    descriptor, buffer.baseAddress?.advanced(by: sent), buffer.count - sent, withoutSignal)
                if count < 0 {
                    guard errno == EINTR else { return false }
                    continue
                }
                sent += count
            }
            return true
        }
    }

    /// Exactly `count` bytes; nil when the other side ends first.
    func receive(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var received = 0
        while received < count {
            let status = bytes.withUnsafeMutableBytes { buffer in
                recv(descriptor, buffer.baseAddress?.advanced(by: received), count - received, 0)
            }
            if status < 0, errno == EINTR { continue }
            guard status > 0 else { return nil }
            received += status
        }
        return bytes
    }

    /// Ends both directions; whoever waits in a call on it returns. The descriptor stays taken until ``close()``.
    func shutDown() {
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    func close() {
        _ = platformClose(descriptor)
    }

    private static func make() throws -> LocalSocket {
        #if canImport(Darwin)
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #else
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        guard descriptor >= 0 else { throw Failure(operation: "socket", number: errno) }
        configure(descriptor)
        return LocalSocket(descriptor: descriptor)
    }

    private static func configure(_ descriptor: Int32) {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        #if canImport(Darwin)
            setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
        #endif
    }

    private static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        return address
    }
}

// The type's own methods of these names would hide them.
private let platformSend = send
private let platformClose = close

// A write to a connection that is gone must be an error, not the signal that ends the process.
#if canImport(Darwin)
    private let withoutSignal: Int32 = 0  // SO_NOSIGPIPE is set instead
#else
    private let withoutSignal: Int32 = 0x4000  // MSG_NOSIGNAL, which Glibc and Musl import as different types
#endif

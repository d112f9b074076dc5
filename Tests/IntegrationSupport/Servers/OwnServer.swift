package import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// A SecantusDB of a test's own, in a directory of its own: for what the shared server is not, a standalone or one that
/// asks for credentials.
package final class OwnServer: Sendable {
    package let port: UInt16
    private let directory: URL
    private let process: Process

    /// The tests' Python; nil when it has no SecantusDB, because the local server is another one.
    private static var python: URL? {
        guard let python = ProcessInfo.processInfo.environment["DAYBOOK_PYTHON"].map({ URL(filePath: $0) }) else {
            return nil
        }
        let server = python.deletingLastPathComponent().appending(path: "secantusd-py")
        return FileManager.default.isExecutableFile(atPath: server.path) ? python : nil
    }

    /// What the local server is started by, too: scripts/lib/amended_secantus.py.
    private static let script = URL(
        filePath: "../../../scripts/lib/amended_secantus.py", relativeTo: URL(filePath: #filePath)
    )
    .absoluteURL.standardized

    /// The MongoDB that it pretends to be, as scripts/mongo has it.
    private static let version = ProcessInfo.processInfo.environment["DAYBOOK_SERVER_VERSION"] ?? "8.0"

    /// The threads of a test have signals blocked, and what they start inherits that: without this it could not be told
    /// to end.
    private static let unblockSignals =
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execv(sys.argv[1], sys.argv[1:])"

    package static var isAvailable: Bool { python != nil }

    package struct Unavailable: Error {}

    private init(_ options: [String], directory: URL, port: UInt16) throws {
        guard let python = Self.python else { throw Unavailable() }
        self.directory = directory
        self.port = port
        process = Process()
        process.executableURL = python
        // An empty configuration, so that none from elsewhere is picked up.
        let configuration = directory.appending(path: "secantusd.toml")
        try Data().write(to: configuration)
        process.arguments =
            [
                "-c", Self.unblockSignals, python.path, Self.script.path, Self.version, "60", "--config",
                configuration.path,
                "--host", "127.0.0.1", "--port", "\(port)", "--storage-path", directory.appending(path: "data").path,
            ]
            + options
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    private func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    package func uri(_ options: String = "") -> String { "mongodb://127.0.0.1:\(port)/?\(options)" }

    /// Starts one with `options`, waits until it answers, runs `body`, and stops it.
    ///
    /// - Parameter users: Commands for a server without authentication, run before one with `options` is started on its
    ///   data.
    package static func run<R>(
        _ options: [String], preparedBy users: [BSONDocument] = [], _ body: (OwnServer) async throws -> R
    ) async throws -> R {
        let directory = FileManager.default.temporaryDirectory.appending(path: "daybook-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        if !users.isEmpty {
            let server = try OwnServer([], directory: directory, port: try closedPort())
            defer { server.stop() }
            await server.untilItAnswers()
            let client = try MongoClient(uri: server.uri("directConnection=true"))
            for command in users {
                _ = try await client.withConnection(.single) { try $0.write(command, database: "admin") }
            }
            await client.close()
        }
        let server = try OwnServer(options, directory: directory, port: try closedPort())
        defer { server.stop() }
        await server.untilItAnswers()
        return try await body(server)
    }

    private func untilItAnswers() async {
        await eventually("the server answers", within: .seconds(30)) {
            guard let socket = try? LocalSocket.connected(to: port) else { return false }
            socket.close()
            return true
        }
    }
}

/// A port of loopback where nobody listens.
package func closedPort() throws -> UInt16 {
    let socket = try LocalSocket.listening()
    defer { socket.close() }
    return socket.port
}

import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Logging
import Synchronization
import Testing

/// In a process of its own, whose log can be captured from the beginning.
@Suite("Credentials", .timeLimit(.minutes(1)))
struct SecretTests {
    @Test("credentials appear in no error and no line of the log, whatever goes wrong")
    func secrets() async {
        await #expect(processExitsWith: .success) {
            try await provokeErrors()
        }
    }
}

private func provokeErrors() async throws {
    LoggingSystem.bootstrap { _ in CapturingHandler() }
    // As it stands in the URI, and what it means.
    let secrets = ["t0p%2Fs3cret", "t0p/s3cret"]
    let silent = try FakeServer { _ in nil }
    defer { silent.close() }
    let broken = try FakeServer { _ in ["ok": 0.0, "errmsg": "refused", "code": 18] }
    defer { broken.close() }
    var texts: [String] = []
    let server = try ServerAddress(TestServer.uri)
    let uris = [
        "mongodb://admin:t0p%2Fs3cret@127.0.0.1:\(try closedPort())/?serverSelectionTimeoutMS=300",
        "mongodb://admin:t0p%2Fs3cret@127.0.0.1:\(silent.port)/?directConnection=true&serverSelectionTimeoutMS=300",
        "mongodb://admin:t0p%2Fs3cret@127.0.0.1:\(broken.port)/?directConnection=true&serverSelectionTimeoutMS=300",
        "mongodb://admin:t0p%2Fs3cret@\(server.host)/?directConnection=true&authSource=admin&serverSelectionTimeoutMS=3000",
        "mongodb://admin:t0p%2Fs3cret@127.0.0.1:notaport/", "mongodb://admin:t0p/s3cret@127.0.0.1/?replicaSet",
        "mongodb://admin:t0p%2Fs3cret@127.0.0.1/?authMechanism=NOPE&tls=perhaps",
    ]
    for uri in uris {
        do {
            let configuration = DaybookConfiguration(uri: uri, database: "daybook-test")
            texts.append("\(configuration)")
            texts.append(String(reflecting: configuration))
            var dumped = ""
            dump(configuration, to: &dumped)
            texts.append(dumped)
            let store = try DaybookStore(configuration)
            try await store.initialize(Account.self)
            await store.close()
        } catch {
            texts.append("\(error)")
            texts.append(String(reflecting: error))
            if let error = error as? DaybookError { texts.append(String(reflecting: error.underlying)) }
        }
    }
    // The capture works: libmongoc has spoken of the connections that ended.
    let lines = CapturingHandler.lines.withLock { $0 }
    #expect(texts.count >= uris.count)
    #expect(!lines.isEmpty)
    for text in texts + lines {
        for secret in secrets { #expect(!text.contains(secret)) }
    }
}

private struct CapturingHandler: LogHandler {
    static let lines = Mutex<[String]>([])

    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        Self.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
    }
}

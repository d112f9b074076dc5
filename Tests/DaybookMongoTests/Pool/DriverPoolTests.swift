@testable import DaybookMongo
import Foundation
import Testing

@Suite("DriverPool: the URI")
struct DriverPoolTests {
    // MARK: What is refused

    /// Passwords made of words that no message has.
    static let passwords = [
        "hunter2", "zqx@wvk:jhp/ytr", "100%zqx", "zqx?wvk&jhp=ytr", "#zqx", "zqx wvk", "zqxünïwvk", "zqx%2Fwvk%",
        "]zqx[",
        "\"zqx\"",
        "mongodb://zqxwvk", "zqx\\wvk", "zqx@", "%zqx", "zqx/wvk", "/zqx", "?zqx", "zqx\nwvk", "zqx'wvk", "zqx😀wvk",
        "12345/zqx",
    ]

    /// Any of these in a message would tell a part of one of the passwords.
    static let traces = ["hunter2", "zqx", "wvk", "jhp", "ytr", "100%", "ünï", "😀", "12345"]

    /// A URI with a fault apart from the password.
    struct Fault: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var uri: @Sendable (_ password: String) -> String
    }

    static let faults = [
        Fault(testDescription: "a port that is no number") { "mongodb://alice:\($0)@host:port/" },
        Fault(testDescription: "a port out of range") { "mongodb://alice:\($0)@host:99999/" },
        Fault(testDescription: "no host") { "mongodb://alice:\($0)@/" },
        Fault(testDescription: "an empty host in a list") { "mongodb://alice:\($0)@one,,two:x/" },
        Fault(testDescription: "a broken IPv6 address") { "mongodb://alice:\($0)@[::1/" },
        Fault(testDescription: "an option without a value") { "mongodb://alice:\($0)@host/?retryWrites" },
        Fault(testDescription: "an option of the wrong form") { "mongodb://alice:\($0)@host/?tls=maybe" },
        Fault(testDescription: "an impossible write concern") { "mongodb://alice:\($0)@host/?w=-3" },
        Fault(testDescription: "a wrong database") { "mongodb://alice:\($0)@host/a.b" },
        Fault(testDescription: "options that contradict each other") {
            "mongodb://alice:\($0)@host/?tls=true&ssl=false"
        },
        Fault(testDescription: "a direct connection to two hosts") {
            "mongodb://alice:\($0)@one,two/?directConnection=true"
        },
        Fault(testDescription: "an SRV name with a port") { "mongodb+srv://alice:\($0)@one.example.com:27017/" },
        Fault(testDescription: "two SRV names") { "mongodb+srv://alice:\($0)@one.example.com,two.example.com/" },
        Fault(testDescription: "one slash") { "mongodb:/alice:\($0)@host/" },
        Fault(testDescription: "another scheme") { "postgres://alice:\($0)@host/" },
        Fault(testDescription: "no scheme") { "alice:\($0)@host" },
        Fault(testDescription: "an at sign in an option") { "mongodb://alice:\($0)@host/?authSource=a@b&w=-3" },
    ]

    @Test("a URI that cannot be used is refused, with a reason and without the password", arguments: faults)
    func fault(_ fault: Fault) {
        for password in Self.passwords {
            let error = #expect(throws: MongoError.self, "\(password)") { try pool(fault.uri(password)) }
            expectNoTrace(in: error, of: password)
        }
    }

    @Test(
        "a password that is not percent-encoded, and should be, is refused with that reason",
        arguments: [
            "zqx@wvk:jhp/ytr", "zqx@wvk", "@zqx", "zqx@", "zqx@wvk@jhp", "100%zqx", "zqx%2Fwvk%", "%zqx", "zqx/wvk",
            "/zqx", "mongodb://zqxwvk",
        ])
    func notEncoded(password: String) {
        let error = #expect(throws: MongoError.self) { try pool("mongodb://alice:\(password)@host/") }
        expectNoTrace(in: error, of: password)
        #expect(error?.message.contains("percent-encoded") == true)
    }

    @Test(
        "a URI that the driver takes is taken",
        arguments: [
            "mongodb://u:p@host/?authMechanism=SCRAM-SHA-256",
            "mongodb://u:p@host/?authMechanism=SCRAM-SHA-1&authSource=admin",
            "mongodb://CN%3Du@host/?authMechanism=MONGODB-X509&tls=true",
            "mongodb://u:p@host/?authMechanism=PLAIN&authSource=$external",
            "mongodb://[::1]:27018,two:27019/tenant?replicaSet=rs0", "mongodb://u:p@%2Ftmp%2Fmongodb-27017.sock/tenant",
            "mongodb://host/?appName=who@where", "mongodb://u:p@host/?appName=a@home:prod", "mongodb://host/?appName=",
            "mongodb+srv://u:p@cluster.example.com/tenant?readPreference=secondaryPreferred",
            "mongodb://u:p@host/?tls=true&tlsCAFile=/ca.pem&tlsCertificateKeyFile=/c.pem&tlsCertificateKeyFilePassword=Pa@ss/top.secret",
            "mongodb://host/?w=1&journal=false&wtimeoutMS=500", "mongodb://host/?unknownOption=1",
        ])
    func taken(uri: String) {
        #expect(throws: Never.self) { try pool(uri) }
    }

    @Test(
        "a URI that asks for unacknowledged writes is refused",
        arguments: ["mongodb://host/?w=0", "mongodb://host/?w=0&wtimeoutMS=5"])
    func unacknowledged(uri: String) {
        let error = #expect(throws: MongoError.self) { try pool(uri) }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("w=0") == true)
    }

    @Test("every password can be used when it is percent-encoded", arguments: passwords)
    func encoded(password: String) throws {
        let encoded = try #require(password.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        #expect(try pool("mongodb://alice:\(encoded)@host/tenant").database == "tenant")
    }

    @Test(
        "a text that is no URI at all is refused",
        arguments: ["", " ", "mongodb", "mongodb://", "mongodb+srv://", "://host", "\u{0}"])
    func noURI(text: String) {
        let error = #expect(throws: MongoError.self) { try pool(text) }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test("an encoded password does not show up in what a client says of itself")
    func clientError() {
        let uri = "mongodb://alice:hunter2@host:port/"
        let error = #expect(throws: MongoError.self) { try MongoClient(uri: uri) }
        expectNoTrace(in: error, of: "hunter2")
    }

    // MARK: What is read

    @Test(
        "the database is the one that the URI names",
        arguments: [
            ("mongodb://host", nil), ("mongodb://host/", nil), ("mongodb://host/?w=1", nil),
            ("mongodb://host/tenant", "tenant"),
            ("mongodb://host/tenant?w=1", "tenant"), ("mongodb://alice:hunter2@one,two:27018/tenant", "tenant"),
            ("mongodb://host/t%C3%A9nant", "ténant"), ("mongodb+srv://one.example.com/tenant", "tenant"),
        ] as [(String, String?)])
    func database(uri: String, name: String?) throws {
        #expect(try pool(uri).database == name)
    }

    @Test(
        "the number of connections is the URI's, else the caller's, and at least three",
        arguments: [
            ("mongodb://host/", 16, 16), ("mongodb://host/", 1, 3), ("mongodb://host/", 0, 3),
            ("mongodb://host/", -7, 3),
            ("mongodb://host/", Int.max, Int(Int32.max)), ("mongodb://host/?maxPoolSize=50", 16, 50),
            ("mongodb://host/?maxPoolSize=3", 16, 3), ("mongodb://host/?maxPoolSize=1", 16, 3),
            ("mongodb://host/?MAXPOOLSIZE=5", 16, 5),
        ])
    func connections(uri: String, preferred: Int, expected: Int) throws {
        #expect(try DriverPool(uri: uri, appName: nil, defaultConnections: preferred).maximumConnections == expected)
    }

    @Test(
        "the number of connections is at least what the client's user needs, whatever the URI says",
        arguments: [
            ("mongodb://host/?maxPoolSize=1", 4, 4), ("mongodb://host/?maxPoolSize=9", 4, 9), ("mongodb://host/", 2, 3),
        ])
    func minimumConnections(uri: String, minimum: Int, expected: Int) throws {
        let pool = try DriverPool(uri: uri, appName: nil, defaultConnections: 1, minimumConnections: minimum)
        #expect(pool.maximumConnections == expected)
    }

    @Test("making a client connects to nothing")
    func noInput() throws {
        // A name that no resolver knows, and an address that routes nowhere: either would fail or hang.
        for uri in [
            "mongodb://nowhere.invalid/tenant", "mongodb+srv://db.nowhere.invalid/tenant",
            "mongodb://192.0.2.1:1/tenant",
        ] {
            let client = try MongoClient(uri: uri)
            #expect(client.database == "tenant")
            #expect(client.connectionsInUse == 0)
        }
    }

    private func pool(_ uri: String) throws(MongoError) -> DriverPool {
        try DriverPool(uri: uri, appName: nil, defaultConnections: 4)
    }

    private func expectNoTrace(in error: MongoError?, of password: String) {
        guard let error else { return }
        #expect(error.code == .invalidConfiguration)
        #expect(!error.message.isEmpty)
        for text in ["\(error)", String(reflecting: error), error.message, error.localizedDescription] {
            for trace in Self.traces { #expect(!text.contains(trace), "of \(password)") }
        }
    }
}

@testable import Daybook
import DaybookMongo
@testable import DaybookOperations
import Foundation
import Testing

@Suite("Checks of doctor")
struct ExaminationTests {
    private func settings(_ options: String) throws -> ClientSettings {
        try MongoClient(uri: "mongodb://127.0.0.1/?\(options)").settings
    }

    @Test(
        "a write concern that may lose acknowledged writes is a warning",
        arguments: [
            ("", .ok, "majority, journaled (Daybook's default)"), ("w=majority", .ok, "majority (the URI's)"),
            ("w=majority&journal=true", .ok, "majority, journaled (the URI's)"),
            ("w=majority&journal=false", .warning, "power cut"),
            ("w=1", .warning, "w=1: what is acknowledged may be lost"),
            ("w=2&journal=true", .warning, "w=2, journaled"), ("w=backups", .ok, "\"backups\""),
            ("journal=true", .ok, "majority, journaled (Daybook's default)"),
            ("wtimeoutMS=100", .ok, "majority, journaled"),
        ] as [(String, Diagnosis.Level, String)])
    func writeConcern(options: String, level: Diagnosis.Level, text: String) throws {
        let check = Examination.writeConcern(try settings(options))
        #expect(check.level == level)
        #expect(check.detail.contains(text), "\(check.detail)")
        #expect((check.remedy == nil) == (level == .ok))
    }

    @Test("a read preference other than primary is reported")
    func readPreference() throws {
        #expect(Examination.readPreference(try settings("")).detail == "primary")
        for name in ["primaryPreferred", "secondary", "secondaryPreferred", "nearest"] {
            let check = Examination.readPreference(try settings("readPreference=\(name)"))
            #expect(check.level == .ok)
            #expect(check.detail.hasPrefix("\(name): queries may not yet see"))
        }
    }

    @Test(
        "a clock that is off by over 1 s is a warning, and by over 5 s a problem, in either direction",
        arguments: [
            (0.0, .ok, "agrees"), (0.4, .ok, "0.4 s behind"), (1.0, .ok, "1.0 s behind"),
            (-1.1, .warning, "1.1 s ahead of"),
            (5.0, .warning, "5.0 s behind"), (5.1, .problem, "5.1 s behind"), (-86_400, .problem, "86400.0 s ahead of"),
            (nil, .warning, "did not tell"),
        ] as [(TimeInterval?, Diagnosis.Level, String)])
    func clock(offset: TimeInterval?, level: Diagnosis.Level, text: String) {
        let check = Examination.clock(offset: offset)
        #expect(check.level == level)
        #expect(check.detail.contains(text), "\(check.detail)")
    }

    @Test("a server that cannot be reached is a problem, and nothing else is checked")
    func unreachable() async throws {
        let store = try DaybookStore(
            DaybookConfiguration(uri: "mongodb://user:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=100", database: "d")
        )
        let diagnosis = await store.diagnose()
        await store.close()
        #expect(!diagnosis.hasReachedServer)
        #expect(diagnosis.problems == 1)
        #expect(diagnosis.checks.first?.detail.contains("no server answered") == true)
        #expect(diagnosis.checks.first?.detail.contains("hunter2") == false)
    }
}

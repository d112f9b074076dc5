@testable import DaybookMongo
import Foundation
import Testing

/// What MongoDB's documentation and source say of each number, written down once more by hand.
@Suite("Server error codes")
struct ServerErrorCodeTests {
    private static let refusedBeforeAnything: Set<Int32> = [13, 18, 20, 59, 72, 263, 40413, 40414, 40415]
    private static let refused: Set<Int32> = refusedBeforeAnything.union([
        2, 9, 14, 26, 27, 40, 48, 66, 67, 73, 85, 86, 115, 166, 361, 371, 51002,
        22, 28, 34, 52, 53, 54, 55, 56, 57, 61, 121, 171, 257, 378, 388, 10003, 10334, 11000, 11001, 12582, 14031,
        16755, 17280,
        17419,
    ])
    private static let passing: Set<Int32> = [
        6, 7, 24, 63, 83, 89, 90, 91, 133, 134, 145, 150, 189, 202, 239, 246, 249, 250, 262, 267, 272, 279, 343, 365,
        402, 407,
        433,
        449, 450,
        453, 462, 9001, 10058, 10107, 11600, 11601, 11602, 13388, 13435, 13436, 91331, 10_045_600,
    ]
    private static let contention: Set<Int32> = [50, 112, 251, 290]
    private static let writeConcern: Set<Int32> = [64, 79, 100]
    private static let killed: Set<Int32> = [43, 175, 237]
    private static let lost: Set<Int32> = [222, 260, 280, 286]

    private static let every: [Int32] = Array(0...60_000) + [91331, 10_045_600]

    private func error(_ number: Int32, phase: MongoError.TransactionPhase? = nil, _ labels: MongoError.Labels = [])
        -> MongoError
    {
        var error = MongoError(ServerErrorCode(rawValue: number)?.code ?? .server, "it failed")
        error.serverCode = number
        error.phase = phase
        error.labels = labels
        return error
    }

    @Test("the table has these numbers and no others")
    func numbers() {
        let known = Self.refused.union(Self.passing).union(Self.contention).union(Self.writeConcern).union(Self.killed)
            .union(Self.lost).union([136, 8000])
        #expect(Set(ServerErrorCode.allCases.map(\.rawValue)) == known)
    }

    @Test("a write outside a transaction is refused by a verdict on the statement or document, and by nothing else")
    func writes() {
        for number in Self.every { #expect(error(number).isRefusal == Self.refused.contains(number), "\(number)") }
    }

    @Test("a commit without a label is aborted only by what the server finds before it begins")
    func commits() {
        for number in Self.every {
            #expect(
                error(number, phase: .commit).isDefiniteAbort == Self.refusedBeforeAnything.contains(number),
                "\(number)")
        }
    }

    @Test("the label of a transient error makes any number an abort, and the label of an unknown result none")
    func labels() {
        for number: Int32 in [251, 112, 133, 11602, 4711] {
            #expect(error(number, phase: .commit, .transientTransaction).isDefiniteAbort)
            #expect(!error(number, phase: .commit, [.transientTransaction, .unknownCommitResult]).isDefiniteAbort)
        }
        #expect(!error(13, phase: .commit, .unknownCommitResult).isDefiniteAbort)
    }

    @Test("a commit is not aborted by an error without a number, nor by one of its write concern, whatever its number")
    func commitsWithoutNumber() {
        for code: MongoError.Code in [.network, .noServer, .timedOut, .invalidData, .server] {
            var error = MongoError(code, "it failed")
            error.phase = .commit
            error.labels = .transientTransaction
            #expect(!error.isDefiniteAbort, "\(code)")
        }
        for number: Int32 in [13, 72, 91, 64] {
            var error = error(number, phase: .commit)
            error.code = .writeConcernFailed
            #expect(!error.isDefiniteAbort)
            #expect(!error.isRefusal)
        }
    }

    @Test("a transaction whose statement failed is aborted, whatever the number")
    func statements() {
        for number: Int32 in [11000, 133, 4711] { #expect(error(number, phase: .operation).isDefiniteAbort) }
    }

    @Test(
        "a transaction runs again after a lost race, or where the server's label says so; the table says which numbers pass"
    )
    func transient() {
        let passing = Self.passing.union(Self.contention)
        for number in Self.every {
            let isTransient = ServerErrorCode(rawValue: number)?.meaning.statement == .transient
            #expect(isTransient == passing.contains(number), "\(number)")
            #expect(error(number, phase: .operation).canBeTriedAgain == (number == 112), "\(number)")
            #expect(error(number).canBeTriedAgain == (number == 112), "\(number)")
            #expect(error(number, .transientTransaction).canBeTriedAgain)
        }
    }

    @Test("a read may be tried again after a passing fault, a time limit or a killed cursor, and after nothing else")
    func reads() {
        let again = Self.passing.union(Self.contention).union(Self.killed).union([136])
        for number in Self.every {
            #expect(error(number).isOfTheMoment == again.contains(number), "\(number)")
            #expect(error(number).isKilledCursor == Self.killed.contains(number), "\(number)")
            #expect(error(number).isPlaceLost == Self.lost.contains(number), "\(number)")
        }
        #expect(error(4711, .nonResumableChangeStream).isPlaceLost)
    }

    @Test("each number has the code that callers switch on")
    func codes() {
        let special: [Int32: MongoError.Code] = [
            11000: .duplicateKey, 11001: .duplicateKey, 12582: .duplicateKey, 112: .writeConflict,
            121: .validationFailed,
            13: .unauthorized, 18: .authenticationFailed, 50: .timedOut, 290: .timedOut, 64: .writeConcernFailed,
            79: .writeConcernFailed, 100: .writeConcernFailed, 10334: .tooLarge, 17280: .tooLarge, 17419: .tooLarge,
            10003: .tooLarge, 257: .tooLarge, 388: .tooLarge,
        ]
        for code in ServerErrorCode.allCases {
            let expected =
                special[code.rawValue]
                ?? (Self.passing.contains(code.rawValue)
                    ? .network : Self.lost.contains(code.rawValue) ? .placeLost : .server)
            #expect(code.code == expected, "\(code)")
        }
    }

    @Test("an error before anything was sent is a refusal; a broken connection is not")
    func withoutNumber() {
        for code: MongoError.Code in [
            .noServer, .authenticationFailed, .invalidConfiguration, .invalidData, .serverTooOld, .tooLarge,
        ] {
            #expect(MongoError(code, "it failed").isRefusal, "\(code)")
        }
        for code: MongoError.Code in [.network, .timedOut, .writeConcernFailed, .server] {
            #expect(!MongoError(code, "it failed").isRefusal, "\(code)")
        }
    }

    @Test("a duplicate key is of another index when the server names fields that are none of the known ones")
    func indexes() {
        var error = error(11000)
        let known = [["_id"], ["aggregateId", "version"]]
        #expect(!error.isRefusedByIndex(otherThan: known))
        error.keyPattern = ["aggregateId", "version"]
        #expect(!error.isRefusedByIndex(otherThan: known))
        error.keyPattern = ["version", "aggregateId"]
        #expect(error.isRefusedByIndex(otherThan: known))
        error.keyPattern = ["state.email"]
        #expect(error.isRefusedByIndex(otherThan: known))
        error.code = .validationFailed
        #expect(!error.isRefusedByIndex(otherThan: known))
    }

    @Test("no code outside this folder decides by a number or a label of the server")
    func onePlace() throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Sources")
            .standardized
        var found: [String] = []
        for case let file as URL in FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
            ?? .init()
        where file.pathExtension == "swift" && !file.path.contains("/DaybookMongo/Errors/") {
            let text = try String(contentsOf: file, encoding: .utf8)
            if text.contains(".serverCode") || text.contains("labels.contains") { found.append(file.path) }
        }
        #expect(found == [])
    }
}

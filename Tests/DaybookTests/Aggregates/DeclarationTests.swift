@testable import Daybook
import DaybookBSON
import Foundation
import Testing

@Suite("What an aggregate declares of its evolution")
struct DeclarationTests {
    private static func keep(_ type: String, from schema: Int32) -> Upcaster {
        .transform(type, from: schema, document: { $0 })
    }

    static let faulty: [(String, [Upcaster])] = [
        ("two upcasters", [keep("a", from: 1), keep("a", from: 1)]),
        ("two upcasters", [keep("a", from: 1), .rename("a", to: "b")]),
        ("two upcasters", [.rename("a", to: "b"), .rename("a", to: "c")]),
        ("two upcasters", [.retire("a"), keep("a", from: 5)]),
        ("two upcasters", [keep("a", from: 2), .retire("a", through: 2)]),
        ("two upcasters", [.retire("a", through: 3), keep("a", from: 1)]),
        ("two upcasters", [.retire("a"), .retire("a")]),
        ("two upcasters", [.retire("a", through: 1), .retire("a", through: 3)]),
        ("circle", [.rename("a", to: "a")]),
        ("circle", [.rename("a", to: "b"), .rename("b", to: "a")]),
        ("circle", [.rename("a", to: "b"), keep("b", from: 1), .rename("b", from: 2, to: "a")]),
        ("circle", [keep("x", from: 1), .rename("a", from: 2, to: "a", schema: 1), keep("a", from: 1)]),
        ("schemas begin at 1", [keep("a", from: 0)]),
        ("schemas begin at 1", [keep("a", from: -1)]),
        ("schemas begin at 1", [.rename("a", from: 0, to: "b")]),
        ("schemas begin at 1", [.rename("a", to: "b", schema: 0)]),
        ("schemas begin at 1", [.retire("a", through: 0)]),
        ("no schema to lead to", [keep("a", from: .max)]),
        ("no aggregate can have", [keep("$corrected", from: 1)]),
        ("no aggregate can have", [.retire("$corrected")]),
        ("no aggregate can have", [.rename("$a", to: "b")]),
        ("no aggregate can have", [.rename("a", to: "$corrected")]),
        ("no aggregate can have", [keep("", from: 1)]),
        ("no aggregate can have", [.rename("a", to: "")]),
    ]

    @Test("a declaration that cannot be followed is found out", arguments: faulty.indices)
    func faults(index: Int) {
        let (expected, upcasters) = Self.faulty[index]
        #expect(upcasters.fault?.contains(expected) == true, "\(upcasters.fault ?? "nothing was found")")
        // Beside others that are right, and in any order.
        let more = [Self.keep("z", from: 1)] + upcasters.reversed() + [.retire("y")]
        #expect(more.fault?.contains(expected) == true, "\(more.fault ?? "nothing was found")")
    }

    @Test("a declaration that can be followed has no fault")
    func faultless() {
        let declarations: [[Upcaster]] = [
            [], Voyage.upcasters, [Self.keep("a", from: 1), Self.keep("a", from: 2), Self.keep("a", from: 3)],
            [.retire("a", through: 2), Self.keep("a", from: 3), Self.keep("a", from: 4)],
            [.rename("a", to: "b"), .rename("a", from: 2, to: "b", schema: 2), Self.keep("b", from: 1)],
            [.rename("a", to: "b"), .rename("c", to: "b"), .retire("b", through: 1)],
            // Two spellings of one text are two types.
            [Self.keep("\u{E9}", from: 1), Self.keep("e\u{301}", from: 1)],
        ]
        for declaration in declarations { #expect(declaration.fault == nil) }
    }

    // MARK: Aggregates

    private struct Circling: Passive {
        static let type: AggregateType = "circling"
        static let upcasters: [Upcaster] = [.rename("a", to: "b"), .rename("b", to: "a")]
    }

    /// Correction upcasters that a test chooses.
    private struct Declared<Choice: Declaration>: Passive {
        static var type: AggregateType { "declared" }
        static var stateSchema: Int32 { Choice.stateSchema }
        static var correctionUpcasters: [CorrectionUpcaster] { Choice.correctionUpcasters }
    }

    private protocol Declaration: Sendable {
        static var stateSchema: Int32 { get }
        static var correctionUpcasters: [CorrectionUpcaster] { get }
    }

    private enum Twice: Declaration {
        static var stateSchema: Int32 { 3 }
        static var correctionUpcasters: [CorrectionUpcaster] {
            [.unchanged(from: 1), .unchanged(from: 2), .unchanged(from: 1)]
        }
    }

    private enum Ahead: Declaration {
        static var stateSchema: Int32 { 2 }
        static var correctionUpcasters: [CorrectionUpcaster] { [.unchanged(from: 2)] }
    }

    private enum BelowOne: Declaration {
        static var stateSchema: Int32 { 2 }
        static var correctionUpcasters: [CorrectionUpcaster] { [.unchanged(from: 0)] }
    }

    private enum NoSchema: Declaration {
        static var stateSchema: Int32 { 0 }
        static var correctionUpcasters: [CorrectionUpcaster] { [] }
    }

    private enum Right: Declaration {
        static var stateSchema: Int32 { 3 }
        static var correctionUpcasters: [CorrectionUpcaster] { [.unchanged(from: 2), .unchanged(from: 1)] }
    }

    @Test("correction upcasters lead from older schemas, one from each")
    func corrections() throws {
        try Declared<Right>.checkDeclaration()
        try Parcel.checkDeclaration()
        try Voyage.checkDeclaration()
        for aggregate in [Declared<Twice>.self, Declared<Ahead>.self, Declared<BelowOne>.self, Declared<NoSchema>.self]
            as [any Aggregate.Type]
        {
            let error = #expect(throws: DaybookError.self) { try aggregate.checkDeclaration() }
            #expect(error?.code == .invalidConfiguration)
            #expect(error?.message.contains("declared") == true)
        }
    }

    @Test("initialize refuses an aggregate that is declared wrongly, before it asks the server anything")
    func initialize() async throws {
        // Nobody listens there.
        let store = try DaybookStore(DaybookConfiguration(uri: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100"))
        let error = await #expect(throws: DaybookError.self) { try await store.initialize(Parcel.self, Circling.self) }
        await store.close()
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("circling") == true)
        #expect(error?.message.contains("lead in a circle") == true)
    }
}

public import Daybook
internal import DaybookBSON
public import DaybookSubscriptions
public import Foundation

/// A test of a projection: given these events of aggregates, then these documents.
///
/// ```swift
/// try ProjectionScenario(MemberOverview.self)
///     .given("m-1", of: Member.self, .planChanged(plan: .premium))
///     .given("L-1", of: License.self, .created(member: "m-1", expiresAt: d))
///     .thenDocument("m-1") { #expect($0.plan == .premium && $0.acquired == 1) }
///     .thenKeys("m-1")
/// ```
///
/// No server is needed: the events are encoded, and the documents are made of their stored form, as a subscription does
/// it. A scenario also checks what every projection must guarantee. A document is the same whether it was stored and
/// loaded between two events or not, and when the events are applied again. And each declared field has the name that
/// its value is encoded under. Whether a document depends on how events of different aggregates interleave, is checked
/// by ``checkInterleavings(of:events:rounds:seed:fileID:line:)``.
///
/// A result that is not as expected is thrown as a ``TestFailure``, whose description shows what differs.
public struct ProjectionScenario<P: Projection>: Sendable {
    private var fold = ProjectionFold<P>()

    /// A projection that has seen no events.
    public init(_ projection: P.Type) {}

    // MARK: Given

    /// Adds events of one aggregate, after those given before.
    ///
    /// - Parameters:
    ///   - key: The aggregate's key.
    ///   - date: When they were recorded.
    /// - Throws: ``TestFailure/Code/notStorable``; ``TestFailure/Code/notHandled`` when the projection cannot decode an
    ///   event, or cannot say whose document it changes.
    public func given<A: Aggregate>(
        _ key: String, of aggregate: A.Type, _ events: A.Event..., at date: Date = SimulatedClock.start,
        fileID: String = #fileID, line: Int = #line
    ) throws -> ProjectionScenario {
        try given([.events(of: A.self, key, events, at: date)], fileID: fileID, line: line)
    }

    /// Adds events, after those given before.
    ///
    /// - Throws: ``TestFailure/Code/notStorable``, ``TestFailure/Code/notHandled``
    public func given(
        _ events: [GivenEvents], fileID: String = #fileID, line: Int = #line
    ) throws -> ProjectionScenario {
        var next = self
        try next.fold.append(events, SourcePlace(fileID: fileID, line: line))
        return next
    }

    // MARK: Then

    /// Checks a document by its stored form.
    ///
    /// - Throws: ``TestFailure/Code/wrongDocument`` with the paths that differ; what
    ///   ``thenDocument(_:fileID:line:_:)`` throws.
    @discardableResult
    public func then(
        _ key: String, _ expected: P.Document, fileID: String = #fileID, line: Int = #line
    ) throws -> ProjectionScenario {
        let place = SourcePlace(fileID: fileID, line: line)
        let document = try stored(key, place)
        let encoded: BSONDocument
        do {
            encoded = try BSONEncoder().encode(expected)
        } catch {
            throw TestFailure(
                .notStorable, "the expected document cannot be encoded: \(describe(error))", place, underlying: error)
        }
        guard document["state"] != .document(encoded), case .document(let state)? = document["state"] else {
            return self
        }
        throw TestFailure(
            .wrongDocument,
            ["the document \"\(key)\" of \(P.self) is another one than expected:"].joined(
                DocumentDifference(encoded, state, root: "state").lines().map { "  \($0)" }), place)
    }

    /// Checks a document with your own expectations.
    ///
    /// - Throws: ``TestFailure/Code/wrongDocument`` when there is none; ``TestFailure/Code/notHandled``,
    ///   ``TestFailure/Code/notDeterministic``, ``TestFailure/Code/notStorable``, ``TestFailure/Code/wrongField``; what
    ///   `check` throws.
    @discardableResult
    public func thenDocument(
        _ key: String, fileID: String = #fileID, line: Int = #line, _ check: (P.Document) throws -> Void
    ) throws -> ProjectionScenario {
        let place = SourcePlace(fileID: fileID, line: line)
        let document = try stored(key, place)
        try check(document.withBorrowed { try ProjectionState<P.Document>($0, BSONDecoder()).state })
        return self
    }

    /// Checks that there are documents with these keys, and no others.
    ///
    /// - Throws: ``TestFailure/Code/wrongDocument`` with the keys that are missing, and those that are too many.
    @discardableResult
    public func thenKeys(
        _ keys: String..., fileID: String = #fileID, line: Int = #line
    ) throws -> ProjectionScenario {
        try thenKeys(keys, fileID: fileID, line: line)
    }

    /// Checks that there are documents with these keys, and no others.
    ///
    /// - Throws: ``TestFailure/Code/wrongDocument`` with the keys that are missing, and those that are too many.
    @discardableResult
    public func thenKeys(
        _ keys: some Collection<String>, fileID: String = #fileID, line: Int = #line
    ) throws -> ProjectionScenario {
        let (expected, found) = (Set(keys), Set(fold.keys))
        guard expected != found else { return self }
        let lines =
            expected.subtracting(found).sorted().map { "- \($0)" }
            + found.subtracting(expected).sorted().map { "+ \($0)" }
        throw TestFailure(
            .wrongDocument, ["\(P.self) has other documents than expected (- expected, + found):"].joined(lines),
            SourcePlace(fileID: fileID, line: line))
    }

    private func stored(_ key: String, _ place: SourcePlace) throws -> BSONDocument {
        if let document = try fold.document(key, place) { return document }
        let keys = fold.keys.prefix(20).map { "\"\($0)\"" }.joined(separator: ", ")
        throw TestFailure(
            .wrongDocument,
            "\(P.self) has no document \"\(key)\"; it has \(keys.isEmpty ? "none" : keys)", place)
    }
}

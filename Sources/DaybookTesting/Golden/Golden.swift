public import Daybook
internal import DaybookBSON
public import Foundation

/// Checks that these events still make, to the byte, the state that they made when the golden file was recorded: in
/// another process, by another build, perhaps years ago.
///
/// Snapshots outlive the code that wrote them. If `apply` or the state's encoding changes and `stateSchema` does not,
/// stored snapshots and replays of the same events differ, and every such snapshot is drift. The file, which you commit
/// beside the test, makes the test fail in that case:
///
/// ```swift
/// @Test func golden() throws {
///     let events: [License.Event] = [.created(member: "m-1", expiresAt: d), .released]
///     try checkGolden(License.self, events: events, file: "Golden/license.json")
/// }
/// ```
///
/// The file holds the events as they were stored, and the check folds those. So it also proves that old events can
/// still be read, through your upcasters where their schema has changed since. To keep an old file only for that, check
/// it without events, with ``checkGolden(_:file:record:filePath:fileID:line:)``.
///
/// **Recording.** Run the test once with `DAYBOOK_RECORD_GOLDEN=1` in the environment, or with `record: true`. A check
/// that wrote its file fails with ``TestFailure/Code/goldenRecorded``, so that a developer checks the recording, and no
/// build server passes by recording. It records when the file is missing, when `stateSchema` was raised, or when the
/// events differ from the file's. It never replaces a state that changed under the same `stateSchema`. (Delete the file
/// if no such snapshot exists anywhere.) When the schema was raised, the file's stored events are kept as they are.
///
/// - Parameters:
///   - events: The aggregate's events, a few of each type.
///   - file: The file, absolute or relative to the folder of the test's source file.
///   - record: Whether to record; if nil, the environment decides.
/// - Throws: ``TestFailure``: `stateChanged` with the paths that differ, `goldenMissing`, `goldenOutdated`,
///   `goldenUnreadable`, `goldenRecorded`, `notStorable`.
public func checkGolden<A: Aggregate>(
    _ aggregate: A.Type, events: [A.Event], file: String, record: Bool? = nil, filePath: String = #filePath,
    fileID: String = #fileID, line: Int = #line
) throws {
    try checkGolden(
        aggregate, events: events, file: goldenURL(file, besides: filePath), record: record, fileID: fileID, line: line)
}

/// ``checkGolden(_:events:file:record:filePath:fileID:line:)`` with the file at a URL.
public func checkGolden<A: Aggregate>(
    _ aggregate: A.Type, events: [A.Event], file: URL, record: Bool? = nil, fileID: String = #fileID, line: Int = #line
) throws {
    let check = GoldenCheck<A>(url: file, isRecording: record, place: SourcePlace(fileID: fileID, line: line))
    try check.run(try check.place.storing("\(A.self)") { try events.map { try Replay<A>.stored($0) } })
}

/// Checks that an older golden file's events can still be read, and still make the state in the file: as
/// ``checkGolden(_:events:file:record:filePath:fileID:line:)``, without current events to compare with.
///
/// With it a file outlives the events that it was recorded from. Keep one from each time that an event's schema
/// changed, and every upcaster is tested with events that were really stored.
///
/// - Throws: as ``checkGolden(_:events:file:record:filePath:fileID:line:)``. When it records, a file of an older
///   `stateSchema` receives the current state.
public func checkGolden<A: Aggregate>(
    _ aggregate: A.Type, file: String, record: Bool? = nil, filePath: String = #filePath, fileID: String = #fileID,
    line: Int = #line
) throws {
    let url = goldenURL(file, besides: filePath)
    try GoldenCheck<A>(url: url, isRecording: record, place: SourcePlace(fileID: fileID, line: line)).run(nil)
}

private func goldenURL(_ file: String, besides sourceFile: String) -> URL {
    URL(filePath: file, relativeTo: URL(filePath: sourceFile).deletingLastPathComponent()).absoluteURL
}

private struct GoldenCheck<A: Aggregate> {
    let url: URL
    let isRecording: Bool
    let place: SourcePlace

    init(url: URL, isRecording: Bool?, place: SourcePlace) {
        self.url = url
        self.isRecording = isRecording ?? (ProcessInfo.processInfo.environment["DAYBOOK_RECORD_GOLDEN"] == "1")
        self.place = place
    }

    private var path: String { url.path(percentEncoded: false) }

    private static var howToRecord: String {
        "Run this test once with DAYBOOK_RECORD_GOLDEN=1 in the environment (or record: true), look at the file, and "
            + "commit it."
    }

    /// - Parameter events: The test's events; nil for the file's own.
    func run(_ events: [EventContent]?) throws {
        guard let file = try read() else {
            guard isRecording, let events else {
                let remedy =
                    events == nil
                    ? "A file of old events cannot be recorded anew: restore it, or remove this check."
                    : Self.howToRecord
                throw failure(.goldenMissing, "there is no golden file \(path). \(remedy)")
            }
            return try write(events)
        }
        guard file.aggregate == A.type.rawValue else {
            throw failure(
                .goldenUnreadable,
                "the golden file \(path) is of the aggregate type \(shown(file.aggregate)), not \(A.type)")
        }
        guard file.stateSchema <= A.stateSchema else {
            throw failure(
                .goldenOutdated,
                "\(path) was recorded with stateSchema \(file.stateSchema), and \(A.self) declares \(A.stateSchema): "
                    + "a stateSchema is only ever raised"
            )
        }
        let state = try fold(file.events)
        if file.stateSchema == A.stateSchema, state != file.state { throw changed(file, state) }
        let outdated = try difference(file, events)
        guard file.stateSchema < A.stateSchema || outdated != nil else { return }
        guard isRecording else {
            if let outdated {
                throw failure(
                    .goldenOutdated,
                    [
                        "\(path) was recorded from other events than this test gives (- in the file, + in the test). "
                            + "\(Self.howToRecord) To go on proving that its events are read, keep it under another "
                            + "name, checked without events."
                    ].joined(outdated))
            }
            throw failure(
                .goldenOutdated,
                "stateSchema was raised from \(file.stateSchema) to \(A.stateSchema), so \(path) must be recorded "
                    + "anew. \(Self.howToRecord)"
            )
        }
        try write(outdated == nil ? file.events : events ?? file.events)
    }

    private func fold(_ events: [EventContent]) throws -> BSONDocument {
        var replay = Replay<A>()
        try place.storing("an event that was stored before cannot be read any more (\(path))", .goldenUnreadable) {
            for event in events { try replay.apply(event) }
        }
        return try place.storing("\(A.self)") { try replay.encodedState() }
    }

    private func changed(_ file: GoldenFile, _ state: BSONDocument) -> TestFailure {
        let difference = DocumentDifference(file.state, state, root: "state").lines("recorded", "now").map { "  \($0)" }
        return failure(
            .stateChanged,
            [
                "\(A.self) gives another state than it gave from the same events, and stateSchema is \(A.stateSchema) "
                    + "as before (\(path)). Stored snapshots would no longer be what a replay gives: raise stateSchema "
                    + "or undo the change."
            ].joined(difference))
    }

    /// The difference between the file's events, as they would be stored today, and the test's; nil when there is none.
    private func difference(_ file: GoldenFile, _ events: [EventContent]?) throws -> [String]? {
        guard let events else { return nil }
        let today = try place.storing("\(A.self)") {
            try file.events.enumerated().compactMap {
                try Replay<A>.stored(again: $0.element, version: Int64($0.offset + 1))
            }
        }
        return today == events ? nil : EventDifference(today, events).lines
    }

    /// The file; nil when it is missing.
    private func read() throws -> GoldenFile? {
        let attributes: [FileAttributeKey: Any]
        do {
            attributes = try FileManager.default.attributesOfItem(
                atPath: url.resolvingSymlinksInPath().path(percentEncoded: false))
        } catch {
            guard (error as? CocoaError)?.code == .fileReadNoSuchFile || (error as? CocoaError)?.code == .fileNoSuchFile
            else {
                throw failure(
                    .goldenUnreadable, "the golden file \(path) cannot be read: \(error.localizedDescription)", error)
            }
            return nil
        }
        guard attributes[.type] as? FileAttributeType == .typeRegular else {
            throw failure(.goldenUnreadable, "the golden file \(path) is not a file")
        }
        guard let size = attributes[.size] as? Int, size <= BSONDocument.maximumBytes else {
            throw failure(.goldenUnreadable, "the golden file \(path) has more than \(BSONDocument.maximumBytes) bytes")
        }
        do {
            guard let text = String(validating: try Data(contentsOf: url), as: UTF8.self) else {
                throw GoldenFile.Malformed(reason: "it is not UTF-8")
            }
            return try GoldenFile(text: text)
        } catch let error as GoldenFile.Malformed {
            throw failure(
                .goldenUnreadable,
                "the golden file \(path) cannot be used: \(error.reason). Restore it from version control, or delete "
                    + "it and record it anew.",
                error)
        } catch {
            throw failure(
                .goldenUnreadable, "the golden file \(path) cannot be read: \(error.localizedDescription)", error)
        }
    }

    /// Always throws after writing, to report that it recorded.
    private func write(_ events: [EventContent]) throws {
        let file = GoldenFile(
            aggregate: A.type.rawValue, stateSchema: A.stateSchema, events: events, state: try fold(events))
        do {
            let text = try file.text()
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url, options: .atomic)
        } catch {
            let reason =
                (error as? GoldenFile.Malformed)?.reason ?? (error as? BSONError)?.description
                ?? error.localizedDescription
            throw failure(.goldenUnreadable, "the golden file \(path) cannot be recorded: \(reason)", error)
        }
        throw failure(
            .goldenRecorded,
            "recorded \(path). Look at it, commit it, and run this test again without recording: it fails this once.")
    }

    private func failure(_ code: TestFailure.Code, _ message: String, _ underlying: (any Error)? = nil) -> TestFailure {
        TestFailure(code, message, place, underlying: underlying)
    }
}

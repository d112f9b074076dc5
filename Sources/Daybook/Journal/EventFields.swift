package import DaybookBSON
package import Foundation

/// The fields of an event's document, as far as they were read: the one reader of events.
///
/// What it borrows is valid as long as the document. Every load and every reconciliation passes here once an event, so
/// it allocates nothing but the text of a type that changes.
package struct EventFields {
    /// How much of an event is demanded.
    enum Strictness {
        /// What a fold needs. Commit and metadata change no state: they need not be there, nor be what they should.
        case replay
        /// Every field that the journal's validator demands of a writer, but for the metadata, which may be missing.
        case whole
        /// Nothing. A field that is missing or of the wrong form is nil, and of two with one name the first counts.
        case tolerant

        func demands(_ field: EventField) -> Bool {
            switch self {
            case .replay: field != .commit && field != .metadata
            case .whole: true
            case .tolerant: false
            }
        }
    }

    package private(set) var id: UUID?
    /// Its UTF-8, unchecked unless the whole event was read.
    package private(set) var aggregateID: UnsafeRawBufferPointer?
    package private(set) var version: Int64?
    private(set) var type: String?
    private(set) var schema: Int32?
    private(set) var data: BorrowedDocument?
    private(set) var recordedAt: BSONDate?
    /// Not looked into.
    package private(set) var commit: BorrowedDocument?
    /// Not looked into.
    private(set) var metadata: BorrowedDocument?

    /// Takes what there is of a document that may be damaged, or of which only some fields were asked for.
    package init(tolerant document: BorrowedDocument) {
        // A document that cannot be read on ends there.
        try? read(document, .tolerant)
    }

    /// - Parameter typeBefore: The type of the event before. Where this one has the same, no text is made for it.
    /// - Throws: ``DaybookError/Code/unreadableEvent`` when a demanded field is missing or of the wrong form.
    @inline(__always)
    init(_ document: BorrowedDocument, _ strictness: Strictness, typeBefore: String = "") throws {
        do throws(BSONError) {
            try read(document, strictness, typeBefore: typeBefore)
        } catch {
            throw fault(error)
        }
    }

    /// Only where the event stands: reads no further than that takes.
    @inline(__always)
    init(placeIn document: BorrowedDocument) {
        try? read(document, .tolerant, until: Self.bit(.aggregateID) | Self.bit(.version))
    }

    private static func bit(_ field: EventField) -> Int { 1 << field.rawValue }

    /// - Parameter sought: The bits of the fields that a tolerant reading reads, and with which it ends.
    @inline(__always)
    private mutating func read(
        _ document: BorrowedDocument, _ strictness: Strictness, until sought: Int = .max,
        typeBefore: String = ""
    ) throws(BSONError) {
        var seen = 0
        var expected = 0
        var elements = document.makeElements()
        while strictness != .tolerant || seen & sought != sought, let element = try elements.next() {
            guard let field = EventField(of: element, expecting: expected) else { continue }
            expected = field.rawValue + 1
            if strictness == .tolerant {
                guard sought & ~seen & Self.bit(field) != 0 else { continue }
                seen |= Self.bit(field)
            }
            do throws(BSONError) {
                if strictness == .whole, field == .aggregateID { _ = try element.string() }
                try take(element, as: field, strictness, typeBefore)
            } catch {
                if strictness.demands(field) { throw error }
            }
        }
    }

    @inline(__always)
    private mutating func take(
        _ element: BorrowedElement, as field: EventField, _ strictness: Strictness, _ typeBefore: String
    ) throws(BSONError) {
        switch field {
        case .id: id = try element.uuid()
        case .aggregateID: aggregateID = try element.stringBytes()
        case .version: version = try element.int64()
        case .type: type = try element.hasText(typeBefore) ? typeBefore : element.string()
        case .schema: schema = try element.int32()
        case .data: data = try element.document()
        case .recordedAt: recordedAt = try element.date()
        case .commit: commit = try element.document()
        case .metadata where strictness == .replay: break
        case .metadata: metadata = try element.document()
        }
    }

    // MARK: Faults

    /// A demanded field, or something in it, is not what it should be.
    func fault(_ error: BSONError) -> DaybookError { fault("has a field of the wrong form: \(error)", error) }

    /// Not all demanded fields are there.
    func fault(lackingIn document: BorrowedDocument, _ strictness: Strictness) -> DaybookError {
        var missing = EventField.allCases.filter { strictness.demands($0) && $0 != .metadata }
        var elements = document.makeElements()
        while let element = try? elements.next() { missing.removeAll { element.hasKey($0.key) } }
        return fault("lacks \(missing.map(\.name).joined(separator: " and "))", nil)
    }

    private func fault(_ what: String, _ error: BSONError?) -> DaybookError {
        DaybookError(
            .unreadableEvent, "an event of the journal \(what)",
            aggregateID: aggregateID.map { String(decoding: $0, as: UTF8.self) }, version: version, underlying: error)
    }
}

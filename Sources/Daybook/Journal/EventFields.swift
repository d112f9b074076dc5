package import DaybookBSON
package import Foundation

/// The fields of an event's document, as far as they were read. All code that reads events uses this type.
///
/// What it borrows is valid as long as the document. Every load and every reconciliation reads every event here, so it
/// allocates nothing but the string of a type that differs from the previous event's.
package struct EventFields {
    /// Which fields an event must have.
    enum Strictness {
        /// What a fold needs. Commit and metadata do not affect the state, so they may be missing or malformed.
        case replay
        /// Every field that the journal's validator requires, except the metadata, which may be missing.
        case whole
        /// None. A field that is missing or malformed is nil, and of two fields with one name the first counts.
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
    /// Its UTF-8. Validated only when the whole event was read.
    package private(set) var aggregateID: UnsafeRawBufferPointer?
    package private(set) var version: Int64?
    private(set) var type: String?
    private(set) var schema: Int32?
    private(set) var data: BorrowedDocument?
    private(set) var recordedAt: BSONDate?
    /// Not parsed.
    package private(set) var commit: BorrowedDocument?
    /// Not parsed.
    private(set) var metadata: BorrowedDocument?

    /// Reads what can be read of a document that may be damaged, or that has only some of the fields.
    package init(tolerant document: BorrowedDocument) {
        // Keep the fields that were read before a damaged part.
        try? read(document, .tolerant)
    }

    /// - Parameter typeBefore: The type of the previous event. If this one has the same, no new string is allocated.
    /// - Throws: ``DaybookError/Code/unreadableEvent`` when a required field is missing or malformed.
    @inline(__always)
    init(_ document: BorrowedDocument, _ strictness: Strictness, typeBefore: String = "") throws {
        do throws(BSONError) {
            try read(document, strictness, typeBefore: typeBefore)
        } catch {
            throw fault(error)
        }
    }

    /// Reads only aggregate id and version, and stops once it has both.
    @inline(__always)
    init(placeIn document: BorrowedDocument) {
        try? read(document, .tolerant, until: Self.bit(.aggregateID) | Self.bit(.version))
    }

    private static func bit(_ field: EventField) -> Int { 1 << field.rawValue }

    /// - Parameter sought: The bits of the fields that a tolerant reading reads. It stops once it has them all.
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

    /// The error for a required field that is malformed.
    func fault(_ error: BSONError) -> DaybookError { fault("has a field of the wrong form: \(error)", error) }

    /// The error for required fields that are missing.
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

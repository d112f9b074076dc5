internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// One aggregate that is compared: its snapshot as it was read, and its events, one after the other.
///
/// An object, in which the fold changes in place: each copy of it would make the next change of the state a copy of all
/// of it.
final class AggregateCheck {
    /// As the journal has it.
    let id: [UInt8]
    private let checker: Checker
    private let stored: FoundSnapshot?
    /// Nil where the id is none.
    private var fold: (any AggregateFold)?
    /// The last event that was folded; 0 before the first.
    private(set) var version: Int64 = 0
    private var damage: Damage?
    private var agreesAtStored = false
    /// How many events were added, folded or not.
    private(set) var events = 0
    /// The commits that it has a part of; nil where those are not looked at.
    private var trace: CommitTrace?

    private struct Damage {
        var kind: Finding.Kind
        var version: Int64?
        var detail: String
    }

    /// - Parameters:
    ///   - snapshot: What is stored of it; nil when nothing is.
    ///   - looksAtEveryState: Whether its fold is exact whatever `apply` computes.
    ///   - tracesCommits: Whether the commits are wanted that it has only a part of.
    init(
        _ id: [UInt8], snapshot: BSONDocument?, by checker: Checker, looksAtEveryState: Bool,
        tracesCommits: Bool = false
    ) {
        self.id = id
        self.checker = checker
        trace = tracesCommits ? CommitTrace() : nil
        stored = snapshot.map(FoundSnapshot.init)
        do {
            guard let text = String(validating: id, as: UTF8.self) else {
                throw DaybookError(.invalidArgument, "the aggregate id is not UTF-8")
            }
            fold = checker.makeFold(try AggregateID(parsing: text), looksAtEveryState: looksAtEveryState)
        } catch {
            damage = Damage(
                kind: .unreadable, version: nil, detail: "this cannot be an aggregate's id: \(describe(error))")
        }
    }

    /// Adds the next event of the aggregate. After damage it only counts.
    func add(_ document: BorrowedDocument, at place: Int64?) {
        events += 1
        guard damage == nil else { return traceAlone(document, at: place) }
        guard let place else {
            damage = Damage(kind: .unreadable, version: version, detail: "an event's version is not an integer")
            return
        }
        guard place == version + 1 else {
            damage = Damage(kind: .gap, version: version, detail: "the journal is damaged: \(fault(of: place))")
            return traceAlone(document, at: place)
        }
        do {
            if let stored, stored.version == version, hasDeclaredSchema(stored) {
                agreesAtStored = try fold?.agrees(with: stored.document) ?? false
            }
            let membership = try fold?.add(document)
            version = place
            if trace != nil, let membership { trace?.add(membership, version: place) }
        } catch {
            let isOrder = (error as? DaybookError)?.code == .damagedJournal
            damage = Damage(
                kind: isOrder ? .gap : .unreadable, version: version,
                detail: (isOrder ? "the journal is damaged: " : "") + describe(error))
            traceAlone(document, at: place)
        }
    }

    /// What is wrong with an event's version that does not follow.
    private func fault(of place: Int64) -> String {
        if place <= version { return "version \(place) is there twice" }
        if version + 1 == place - 1 { return "version \(version + 1) is not there" }
        return "versions \(version + 1) to \(place - 1) are not there"
    }

    /// Looks at the commit of an event that the fold does not get.
    private func traceAlone(_ document: BorrowedDocument, at place: Int64?) {
        guard trace != nil, let place, let event = try? BorrowedEvent(document),
            let membership = CommitMembership(event)
        else { return }
        trace?.add(membership, version: place)
    }

    /// The parts of commits so far, whose others are to be looked for; it forgets them.
    ///
    /// - Parameter isLast: Whether no event follows.
    func takeParts(isLast: Bool) -> [CommitPart] { trace?.takeParts(isLast: isLast) ?? [] }

    /// What is wrong with it after its last event, as far as one look can tell; nil when nothing is.
    func assess() -> Suspect? {
        if let damage { return suspect(damage.kind, damage.detail, at: damage.version) }
        guard let fold, checker.target.expectsSnapshots else { return nil }
        var found: Suspect?
        do {
            found = try judge(fold)
            if checker.makesSnapshots, let kind = found?.kind, kind != .orphan,
                let expected = try fold.snapshotDocument()
            {
                try Self.checkSize(expected)
                found?.expected = expected
            }
        } catch {
            found = suspect(.unreadable, describe(error), at: version)
        }
        // After the comparison, which encodes the last state.
        found?.hasSkippedStates = fold.hasSkippedStates
        found?.isUncertain = fold.isUncertain
        return found
    }

    private func suspect(_ kind: Finding.Kind, _ detail: String, at version: Int64?) -> Suspect {
        var suspect = Suspect(id, kind, detail, stored: stored, journalVersion: version)
        suspect.recordedAt = fold?.recordedAt
        return suspect
    }

    private func judge(_ fold: any AggregateFold) throws -> Suspect? {
        func found(_ kind: Finding.Kind, _ detail: String) -> Suspect { suspect(kind, detail, at: version) }
        guard let stored else {
            guard version > 0, fold.keepsSnapshot else { return nil }
            return found(.missing, "there is no snapshot, and the journal is at version \(version)")
        }
        guard version > 0 else { return found(.orphan, "there is a snapshot, and no event") }
        let declared = checker.target.stateSchema
        let isNewer = (stored.stateSchema ?? 0) > (declared ?? .max)
        guard fold.keepsSnapshot || isNewer else {
            return found(.orphan, "there is a snapshot, and the state at version \(version) keeps none")
        }
        if let schema = stored.stateSchema, let declared, schema != declared {
            let advice = isNewer ? ": a newer program's, and not this one's to write" : ""
            return found(.outdated, "its stateSchema is \(schema), not \(declared)\(advice)")
        }
        guard let at = stored.version, at > 0, hasDeclaredSchema(stored) else {
            return found(.diverged, "it is not a snapshot as Daybook writes one")
        }
        if at > version { return found(.ahead, "it is at version \(at), and the journal at \(version)") }
        if at < version {
            guard agreesAtStored else {
                return found(
                    .diverged, "it is not what the journal says at version \(at), and behind the journal's \(version)")
            }
            return found(.stale, "it is at version \(at), and the journal at \(version)")
        }
        guard try fold.agrees(with: stored.document) else {
            return found(.diverged, "it is not what the journal says at version \(at)")
        }
        return nil
    }

    private func hasDeclaredSchema(_ snapshot: FoundSnapshot) -> Bool {
        guard let schema = snapshot.stateSchema else { return false }
        return checker.target.stateSchema.map { schema == $0 } ?? true
    }

    /// - Throws: ``DaybookError/Code/tooLarge``
    private static func checkSize(_ expected: BSONDocument) throws {
        guard expected.bytes.count > maximumDocumentBytes else { return }
        throw DaybookError(
            .tooLarge,
            "its snapshot would have \(expected.bytes.count) bytes; MongoDB stores at most \(maximumDocumentBytes)")
    }
}

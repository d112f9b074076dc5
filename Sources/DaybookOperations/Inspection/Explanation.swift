package import Daybook
package import DaybookBSON

/// An event, and its effect on the state.
package struct ExplainedEvent: Sendable {
    /// The event as it is stored.
    package let entry: JournalEntry
    /// The fields of the encoded state that it changed.
    package let changes: [FieldDifference]
}

/// The events of an aggregate, each with its changes; see ``Repository/explain(_:)``.
package struct Explanation<A: Aggregate>: AsyncSequence, Sendable {
    let store: DaybookStore
    let id: AggregateID

    package func makeAsyncIterator() -> Iterator {
        Iterator(documents: store.storedEvents(of: id).makeAsyncIterator(), fold: Fold<A>(id))
    }

    package struct Iterator: AsyncIteratorProtocol {
        var documents: StoredDocuments.Iterator
        var fold: Fold<A>
        var state: BSONDocument?

        /// - Throws: ``DaybookError``, which names the version: `unknownEvent`, `unreadableEvent`, `damagedJournal`.
        package mutating func next() async throws -> ExplainedEvent? {
            guard let document = try await documents.next() else { return nil }
            do {
                let before = try state ?? fold.encodedState()
                try document.withBorrowed { try fold.apply(BorrowedEvent($0)) }
                let after = try fold.encodedState()
                state = after
                return ExplainedEvent(entry: JournalEntry(document), changes: before.differences(to: after))
            } catch {
                throw DaybookError.enriching(error, operation: "explain", aggregateID: fold.id.rawValue)
            }
        }
    }
}

extension Repository {
    /// The events of an aggregate, in order, each with the fields of the encoded state that it changed. They are found
    /// by folding one event after another.
    package func explain(_ key: String) throws -> Explanation<A> {
        Explanation(store: store, id: try AggregateID(A.type, key: key))
    }
}

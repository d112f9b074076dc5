internal import DaybookBSON
internal import Synchronization

/// Aggregates as their last commit or load from here left them, so that the next command on one need not load it.
///
/// What is held may be behind, because other processes write too. A commit that rests on it is then refused, by the journal's unique index or
/// by the compare-and-set on the snapshot, and the command is decided again on what is loaded: a stale entry costs round trips, never a wrong
/// commit. What writes nothing, such as a refusal, has nothing that could be refused, and is never decided on an entry alone.
///
/// One thing no index can refuse: an event behind a place that is not there any more, after a backup was restored under running programs. So an
/// entry is good for ``lifetime`` only, counted from when the journal was last read for it.
///
/// It is cut into parts by the hash of the id, each with a lock of its own. A part has two generations: what is used goes to the younger one;
/// when that is full it becomes the elder, and what was left in the elder is forgotten.
final class AggregateCache: Sendable {
    /// An aggregate, and what stands in the snapshot collection where commits write it there.
    ///
    /// An object, so that a commit on its way carries a reference, and not all that an aggregate is.
    final class Entry<A: Aggregate>: Sendable {
        let loaded: Loaded<A>
        /// When the journal was last read for it.
        let readAt: ContinuousClock.Instant

        /// Nil for what has no events, for a snapshot that was not believed, and for a state whose size is not known.
        init?(_ loaded: Loaded<A>, readAt: ContinuousClock.Instant) {
            guard loaded.fold.version > 0, loaded.stateBytes != nil else { return nil }
            // Of an inline aggregate without a snapshot only a load can say that the head is still the journal's.
            guard A.lifecycle != .inline || loaded.fold.keepsSnapshot else { return nil }
            var loaded = loaded
            loaded.basis = .cached(A.lifecycle == .inline ? loaded.basis.identity : nil)
            self.loaded = loaded
            self.readAt = readAt
        }
    }

    static let lifetime = Duration.seconds(10)
    /// What an entry takes beside its state, roughly.
    private static let overheadBytes = 1_024
    private static let partCount = 8

    private struct Slot {
        let version: Int64
        let bytes: Int
        let entry: any AnyObject & Sendable
    }

    private struct Generations {
        var young: [AggregateID: Slot] = [:]
        var elder: [AggregateID: Slot] = [:]
        var youngBytes = 0

        mutating func remove(_ id: AggregateID) -> Slot? {
            if let slot = young.removeValue(forKey: id) {
                youngBytes -= slot.bytes
                return slot
            }
            return elder.removeValue(forKey: id)
        }
    }

    private final class Part: Sendable {
        let generations = Mutex(Generations())
    }

    private let parts: [Part]
    /// Of a generation of a part.
    private let maximumBytes: Int

    /// - Parameter maximumBytes: How much is held, counted by the encoded states; 0 for nothing.
    init(maximumBytes: Int) {
        parts = (0..<Self.partCount).map { _ in Part() }
        self.maximumBytes = maximumBytes / Self.partCount / 2
    }

    /// What is known of an aggregate, taken out: of a state that nobody else holds, a change is no copy.
    func take<A: Aggregate>(
        _ id: AggregateID, _ aggregate: A.Type
    ) -> (loaded: Loaded<A>, readAt: ContinuousClock.Instant)? {
        guard maximumBytes > 0 else { return nil }
        let slot = part(of: id).generations.withLock { $0.remove(id) }
        guard let entry = slot?.entry as? Entry<A>, ContinuousClock.now - entry.readAt < Self.lifetime else { return nil }
        return (entry.loaded, entry.readAt)
    }

    /// What is known of an aggregate, left where it is.
    func find<A: Aggregate>(_ id: AggregateID, _ aggregate: A.Type) -> Entry<A>? {
        guard maximumBytes > 0 else { return nil }
        let slot = part(of: id).generations.withLock { $0.young[id] ?? $0.elder[id] }
        guard let entry = slot?.entry as? Entry<A>, ContinuousClock.now - entry.readAt < Self.lifetime else { return nil }
        return entry
    }

    /// Keeps an aggregate if it may be kept, and forgets what was known of it if not.
    func put<A: Aggregate>(_ loaded: Loaded<A>, readAt: ContinuousClock.Instant) {
        guard maximumBytes > 0 else { return }
        guard let entry = Entry(loaded, readAt: readAt) else { return remove(loaded.fold.id) }
        put(entry)
    }

    /// Keeps an entry, unless a later one is there already.
    func put<A: Aggregate>(_ entry: Entry<A>) {
        let id = entry.loaded.fold.id
        let version = entry.loaded.fold.version
        let bytes = (entry.loaded.stateBytes ?? 0) + Self.overheadBytes
        guard bytes <= maximumBytes else { return }
        part(of: id).generations.withLock { generations in
            var slot = Slot(version: version, bytes: bytes, entry: entry)
            if let known = generations.remove(id), known.version > version { slot = known }
            if generations.youngBytes + slot.bytes > maximumBytes {
                generations.elder = generations.young
                generations.young = [:]
                generations.youngBytes = 0
            }
            generations.young[id] = slot
            generations.youngBytes += slot.bytes
        }
    }

    /// Forgets an aggregate that was changed in another way.
    func remove(_ id: AggregateID) {
        guard maximumBytes > 0 else { return }
        _ = part(of: id).generations.withLock { $0.remove(id) }
    }

    private func part(of id: AggregateID) -> Part {
        parts[Int(UInt(bitPattern: id.hashValue) % UInt(Self.partCount))]
    }
}

internal import DaybookBSON
internal import Synchronization

/// Aggregates as this store's last commit or load left them, so that the next command on one need not load it.
///
/// An entry may lag behind the journal, because other processes write too. A commit that is decided on such an entry is
/// refused, by the journal's unique index or by the compare-and-set on the snapshot, and the command is decided again
/// on a loaded aggregate: a stale entry costs round trips, never a wrong commit. A decision that writes nothing, such
/// as a rejection, cannot be refused that way, so it is never made on an entry alone.
///
/// One case no index can refuse: after a backup was restored under running programs, the version of an entry may no
/// longer be in the journal, and an event would be appended after a gap. So an entry is valid for ``lifetime`` only,
/// counted from the last time the journal was read for it.
///
/// The cache is cut into parts by the hash of the id, each with a lock of its own. A part has two generations. What is
/// used goes to the younger one; when that is full it becomes the elder, and what was left in the elder is forgotten.
final class AggregateCache: Sendable {
    /// An aggregate, and the stored snapshot that it is based on where its commits write snapshots.
    ///
    /// It is an object, so that a commit in progress carries a reference and does not copy the aggregate.
    final class Entry<A: Aggregate>: Sendable {
        let loaded: Loaded<A>
        /// When the journal was last read for it.
        let readAt: ContinuousClock.Instant

        /// Returns nil for an aggregate without events, for one whose snapshot was not believed, and for a state whose
        /// size is not known.
        init?(_ loaded: consuming Loaded<A>, readAt: ContinuousClock.Instant) {
            guard loaded.fold.version > 0, loaded.stateBytes != nil else { return nil }
            // An inline aggregate without a snapshot has no compare-and-set that would refuse a stale head: it must be
            // loaded.
            guard A.lifecycle != .inline || loaded.fold.keepsSnapshot else { return nil }
            loaded.basis = .cached(A.lifecycle == .inline ? loaded.basis.identity : nil)
            self.loaded = loaded
            self.readAt = readAt
        }
    }

    static let lifetime = Duration.seconds(10)
    /// What an entry takes in addition to its state, roughly.
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
    /// The limit for one generation of one part.
    private let maximumBytes: Int

    /// - Parameter maximumBytes: How much is kept, counted by the encoded states; 0 keeps nothing.
    init(maximumBytes: Int) {
        parts = (0..<Self.partCount).map { _ in Part() }
        self.maximumBytes = maximumBytes / Self.partCount / 2
    }

    /// Removes and returns what is known of an aggregate. With no second reference to it, changing its state makes no
    /// copy.
    func take<A: Aggregate>(
        _ id: AggregateID, _ aggregate: A.Type
    ) -> (loaded: Loaded<A>, readAt: ContinuousClock.Instant)? {
        guard maximumBytes > 0 else { return nil }
        let slot = part(of: id).generations.withLock { $0.remove(id) }
        guard let entry = slot?.entry as? Entry<A>, ContinuousClock.now - entry.readAt < Self.lifetime else {
            return nil
        }
        return (entry.loaded, entry.readAt)
    }

    /// Returns what is known of an aggregate, and leaves it in the cache.
    func find<A: Aggregate>(_ id: AggregateID, _ aggregate: A.Type) -> Entry<A>? {
        guard maximumBytes > 0 else { return nil }
        let slot = part(of: id).generations.withLock { $0.young[id] ?? $0.elder[id] }
        guard let entry = slot?.entry as? Entry<A>, ContinuousClock.now - entry.readAt < Self.lifetime else {
            return nil
        }
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

    /// Forgets an aggregate that was changed without the cache.
    func remove(_ id: AggregateID) {
        guard maximumBytes > 0 else { return }
        _ = part(of: id).generations.withLock { $0.remove(id) }
    }

    private func part(of id: AggregateID) -> Part {
        parts[Int(UInt(bitPattern: id.hashValue) % UInt(Self.partCount))]
    }
}

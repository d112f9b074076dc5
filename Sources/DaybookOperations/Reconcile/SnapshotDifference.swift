internal import Daybook
internal import DaybookBSON
internal import DaybookMongo

/// Where a stored snapshot differs from the one that should be there, as far as a report shows it.
struct SnapshotDifference {
    /// What a report shows, at most.
    private static let maximumPlaces = 100
    private static let maximumBytes = 64 << 10

    /// The places that differ: as many as a report shows.
    private(set) var places: [Finding.Difference] = []
    /// Whether there are more, or values were left out.
    private(set) var isCut = false

    init(stored: BSONDocument, expected: BSONDocument) {
        collect(stored.withoutLock.differences(to: expected))
    }

    /// Keeps what fits: a value that does not is left out, and its place is kept.
    private mutating func collect(_ differences: [FieldDifference]) {
        var bytes = 0
        for difference in differences {
            var place = Finding.Difference(path: difference.path, stored: difference.before, expected: difference.after)
            if bytes + place.byteCount > Self.maximumBytes {
                place = place.withoutValues
                isCut = true
            }
            guard places.count < Self.maximumPlaces, bytes + place.byteCount <= Self.maximumBytes else {
                isCut = true
                return
            }
            bytes += place.byteCount
            places.append(place)
        }
    }
}

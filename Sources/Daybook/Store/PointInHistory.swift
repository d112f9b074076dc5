public import Foundation

/// A point in an aggregate's history.
public enum PointInHistory: Sendable, Hashable {
    /// After this many events.
    case version(Int64)
    /// After the events that were recorded at or before this time, to the millisecond. The time of recording counts, as
    /// in ``Commit/recordedAt``, and not any date in the events.
    case date(Date)
}

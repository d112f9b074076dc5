public import Foundation

/// A point in an aggregate's history.
public enum PointInHistory: Sendable, Hashable {
    /// After this many events.
    case version(Int64)
    /// After the events that were recorded at this time or before, to the millisecond; by the clock of the journal, which ``Commit/recordedAt``
    /// tells, and not by any date in the events.
    case date(Date)
}

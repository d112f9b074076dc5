public import Daybook

/// An account of which no snapshot is kept.
public typealias Meter = Book<MeterKind>

public enum MeterKind: BookKind {
    public static var type: AggregateType { "meter" }
    public static var lifecycle: Lifecycle { .live }
}

public import Daybook

/// An account whose snapshot is written after its commits.
public typealias Tally = Book<TallyKind>

public enum TallyKind: BookKind {
    public static var type: AggregateType { "tally" }
    public static var lifecycle: Lifecycle { .async }
}

/// A tally of a program that never writes its snapshot: as of a writer that dies right after each of its commits.
public typealias AbandonedTally = Book<AbandonedTallyKind>

public enum AbandonedTallyKind: BookKind {
    public static var type: AggregateType { Tally.type }
    public static var lifecycle: Lifecycle { .live }
}

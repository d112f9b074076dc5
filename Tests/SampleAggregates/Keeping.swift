public import Daybook

/// A lifecycle as a type, so that one aggregate can be declared with each.
public protocol Keeping: Sendable {
    static var lifecycle: Lifecycle { get }
}

public enum KeptInline: Keeping { public static var lifecycle: Lifecycle { .inline } }
public enum KeptAsync: Keeping { public static var lifecycle: Lifecycle { .async } }
public enum KeptLive: Keeping { public static var lifecycle: Lifecycle { .live } }

extension Lifecycle {
    public var keeping: any Keeping.Type {
        switch self {
        case .inline: KeptInline.self
        case .async: KeptAsync.self
        case .live: KeptLive.self
        }
    }
}

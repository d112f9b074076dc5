internal import Foundation

/// Values to replace a field's value with. A type has enough of them that at least one differs from any given value.
enum SampleValues {
    static func samples(of type: Any.Type) -> [Any] {
        func integers<T: FixedWidthInteger>(_: T.Type) -> [Any] { [1 as T, 2 as T] }
        func cases<T: CaseIterable>(_: T.Type) -> [Any] { T.allCases.map { $0 } }
        func wrapped<T: OptionalValue>(_: T.Type) -> [Any] { samples(of: T.Wrapped.self) }
        return switch type {
        case is Bool.Type: [true, false]
        case is String.Type: ["1", "2"]
        case is Double.Type: [1.0, 2.0]
        case is Date.Type: [Date(timeIntervalSince1970: 86_400), Date(timeIntervalSince1970: 172_800)]
        case is UUID.Type: [UUID(uuid: (1, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1)), UUID()]
        case let type as any FixedWidthInteger.Type: integers(type)
        case let type as any CaseIterable.Type: cases(type)
        case let type as any OptionalValue.Type: wrapped(type)
        default: []
        }
    }
}

protocol OptionalValue {
    associatedtype Wrapped
}

extension Optional: OptionalValue {}

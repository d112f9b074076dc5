package import Foundation

// What a value is, where it is of one type; nil where it is of another.

extension BSONValue {
    package var text: String? { if case .string(let text) = self { text } else { nil } }
    package var document: BSONDocument? { if case .document(let document) = self { document } else { nil } }
    package var array: [BSONValue]? { if case .array(let values) = self { values } else { nil } }
    package var uuid: UUID? { if case .binary(let binary) = self { binary.uuid } else { nil } }
    package var date: Date? { if case .datetime(let date) = self { date.date } else { nil } }

    package static func texts(_ texts: some Sequence<String>) -> BSONValue { .array(texts.map { .string($0) }) }
}

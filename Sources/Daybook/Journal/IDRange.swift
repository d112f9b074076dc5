package import DaybookBSON

/// A range of aggregate ids in byte order: from `lower` up to but excluding `upper`.
package struct IDRange: Sendable, Hashable {
    package var lower: String
    package var upper: String

    /// All ids of a type.
    package init(_ type: AggregateType) {
        self.init(under: type.rawValue)
    }

    /// All ids that begin with `name` and a slash: in byte order `0` follows `/`.
    package init(under name: String) {
        self.init(lower: "\(name)/", upper: "\(name)0")
    }

    /// One id alone: no id sorts between it and the same text with a NUL appended.
    package init(_ id: AggregateID) {
        self.init(lower: id.rawValue, upper: id.rawValue + "\0")
    }

    package init(lower: String, upper: String) {
        self.lower = lower
        self.upper = upper
    }

    package func contains(_ id: String) -> Bool { !id.isBefore(lower) && id.isBefore(upper) }

    /// The condition on ids.
    package var condition: BSONDocument { ["$gte": .string(lower), "$lt": .string(upper)] }

    /// The condition on ids; only those after `position` if it is not nil.
    func condition(after position: String?) -> BSONDocument {
        position.map { ["$gt": .string($0), "$lt": .string(upper)] } ?? condition
    }

    /// The range cut at `boundaries`, in order.
    func split(at boundaries: [String]) -> [IDRange] {
        var parts: [IDRange] = []
        var rest = self
        for boundary in boundaries where rest.lower.isBefore(boundary) && boundary.isBefore(rest.upper) {
            parts.append(IDRange(lower: rest.lower, upper: boundary))
            rest.lower = boundary
        }
        return parts + [rest]
    }
}

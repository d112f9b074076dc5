internal import DaybookBSON

extension BSONDocument {
    /// This document with `patch` merged into it (RFC 7396, over typed values). Existing fields keep their positions.
    /// New fields come last, in the patch's order.
    func merging(_ patch: BSONDocument) throws -> BSONDocument {
        var merged = BSONDocument()
        try withBorrowed { document in
            var elements = document.makeElements()
            while let element = try elements.next() {
                let key = try element.keyString
                guard let change = patch[key] else {
                    try merged.append(key, element.value())
                    continue
                }
                if let value = try Self.merge(change, into: element.value()) { try merged.append(key, value) }
            }
        }
        try patch.withBorrowed { patch in
            var elements = patch.makeElements()
            while let element = try elements.next() {
                let key = try element.keyString
                guard self[key] == nil, let value = try Self.merge(element.value(), into: nil) else { continue }
                try merged.append(key, value)
            }
        }
        return merged
    }

    private static func merge(_ change: BSONValue, into value: BSONValue?) throws -> BSONValue? {
        switch (change, value) {
        case (.null, _): return nil
        case (.document(let patch), .document(let document)): return .document(try document.merging(patch))
        case (.document(let patch), _): return .document(try BSONDocument().merging(patch))
        default: return change
        }
    }

    /// `patch`, with each value replaced by the one that this document has in its place.
    ///
    /// This document is what the patched state encodes as, so its values have the stored types.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument`` with the path where this document has another value.
    func confirming(_ patch: BSONDocument, at path: String) throws -> BSONDocument {
        var confirmed = BSONDocument()
        var keys: Set<[UInt8]> = []
        try patch.withBorrowed { patch in
            var elements = patch.makeElements()
            while let element = try elements.next() {
                let key = try element.keyString
                let place = path.isEmpty ? key : "\(path).\(key)"
                guard keys.insert(Array(key.utf8)).inserted else {
                    throw DaybookError(.invalidArgument, "\(place) is in the patch twice")
                }
                switch (try element.value(), self[key]) {
                case (.null, nil), (.null, .null):
                    try confirmed.append(key, .null)
                case (.null, _):
                    throw DaybookError(.invalidArgument, "\(place) cannot be removed: the state has it all the same")
                case (.document(let inner), .document(let found)):
                    try confirmed.append(key, .document(found.confirming(inner, at: place)))
                case (let wanted, let found?) where found.hasValue(of: wanted):
                    try confirmed.append(key, found)
                case (_, nil):
                    throw DaybookError(.invalidArgument, "the state has no field \(place), or not with such a value")
                default:
                    throw DaybookError(
                        .invalidArgument, "\(place) cannot have this value: the state makes another one of it")
                }
            }
        }
        return confirmed
    }
}

extension BSONValue {
    /// Whether both values are equal; numbers are compared without regard to their types.
    func hasValue(of other: BSONValue) -> Bool {
        switch (self, other) {
        case (.document(let left), .document(let right)):
            guard let keys = try? left.keys, let others = try? right.keys, keys.count == others.count else {
                return false
            }
            return keys.allSatisfy { key in
                left[key].flatMap { value in right[key].map { value.hasValue(of: $0) } } ?? false
            }
        case (.array(let left), .array(let right)):
            guard left.count == right.count else { return false }
            if zip(left, right).allSatisfy({ $0.hasValue(of: $1) }) { return true }
            // A `Set` encodes its elements in no fixed order.
            var rest = right
            return left.allSatisfy { value in
                guard let index = rest.firstIndex(where: { value.hasValue(of: $0) }) else { return false }
                rest.remove(at: index)
                return true
            }
        default:
            if self == other { return true }
            if case .decimal128(let left) = self, case .decimal128(let right) = other, let left = left.decimal {
                return left == right.decimal
            }
            if let left = exactInteger, let right = other.exactInteger { return left == right }
            guard let left = number, let right = other.number else { return false }
            return left == right
        }
    }

    private var exactInteger: Int64? {
        switch self {
        case .int32(let value): Int64(value)
        case .int64(let value): value
        case .double(let value): Int64(exactly: value)
        case .decimal128(let value): value.integer()
        default: nil
        }
    }

    private var number: Double? {
        switch self {
        case .int32(let value): Double(value)
        case .int64(let value): Double(exactly: value)
        case .double(let value): value
        case .decimal128(let value): value.double
        default: nil
        }
    }
}

extension BSONDocument {
    fileprivate var keys: [String] {
        get throws { try withBorrowed { try $0.map { try $0.keyString } } }
    }
}

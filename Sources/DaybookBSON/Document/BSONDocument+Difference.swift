extension BSONDocument {
    /// Where `other` differs from this document, in this document's order; empty exactly when their bytes are equal.
    ///
    /// Documents are compared field by field. Two documents that have the same fields in different orders differ as a
    /// whole, because their bytes do.
    ///
    /// - Parameter arraysByElement: Whether arrays of different lengths are compared element by element, as arrays of
    ///   the same length always are. Otherwise they differ as a whole.
    package func differences(to other: BSONDocument, arraysByElement: Bool = false) -> [FieldDifference] {
        guard self != other else { return [] }
        var comparison = DocumentComparison(arraysByElement: arraysByElement)
        comparison.compare(self, other, [])
        // All values are equal, but the bytes are not: an array's elements have other keys.
        guard !comparison.differences.isEmpty else {
            return [.init(path: "", before: .document(self), after: .document(other))]
        }
        return comparison.differences
    }
}

/// The differences that were found so far.
private struct DocumentComparison {
    let arraysByElement: Bool
    private(set) var differences: [FieldDifference] = []

    init(arraysByElement: Bool) {
        self.arraysByElement = arraysByElement
    }

    private mutating func add(_ path: [String], _ before: BSONValue?, _ after: BSONValue?) {
        differences.append(FieldDifference(path: path.joined(separator: "."), before: before, after: after))
    }

    /// A key that occurs several times is compared in order.
    mutating func compare(_ one: BSONDocument, _ other: BSONDocument, _ path: [String]) {
        let others = other.fields
        var isTaken = [Bool](repeating: false, count: others.count)
        // The fields are mostly the same, so try the next one first.
        var next = 0
        var isInOrder = true
        let count = differences.count
        for (key, value) in one.fields {
            func matches(_ index: Int) -> Bool { !isTaken[index] && others[index].key.utf8.elementsEqual(key.utf8) }
            guard let index = (next..<others.count).first(where: matches) ?? (0..<next).first(where: matches) else {
                add(path + [key], value, nil)
                continue
            }
            if index < next { isInOrder = false }
            isTaken[index] = true
            next = max(next, index + 1)
            compare(value, others[index].value, path + [key])
        }
        for (index, field) in others.enumerated() where !isTaken[index] { add(path + [field.key], nil, field.value) }
        if differences.count == count, !isInOrder { add(path, .document(one), .document(other)) }
    }

    private mutating func compare(_ one: BSONValue, _ other: BSONValue, _ path: [String]) {
        guard one != other else { return }
        switch (one, other) {
        case (.document(let one), .document(let other)):
            compare(one, other, path)
        case (.array(let ones), .array(let others)) where arraysByElement || ones.count == others.count:
            for index in 0..<max(ones.count, others.count) {
                let place = path + ["\(index)"]
                if index >= ones.count {
                    add(place, nil, others[index])
                } else if index >= others.count {
                    add(place, ones[index], nil)
                } else {
                    compare(ones[index], others[index], place)
                }
            }
        default:
            add(path, one, other)
        }
    }
}

extension BSONDocument {
    /// Where `other` differs from this document, in this document's order; empty exactly when their bytes are equal.
    ///
    /// Documents are compared field by field. Two that have the same fields in different orders differ as wholes, since order is one of the bytes.
    ///
    /// - Parameter arraysByElement: Whether arrays of different lengths are compared element by element, as those of the same length always
    ///   are; otherwise they differ as wholes.
    package func differences(to other: BSONDocument, arraysByElement: Bool = false) -> [FieldDifference] {
        guard self != other else { return [] }
        var comparison = DocumentComparison(arraysByElement: arraysByElement)
        comparison.compare(self, other, [])
        // Not the same bytes though all their values are: other keys of an array's elements.
        guard !comparison.differences.isEmpty else { return [.init(path: "", before: .document(self), after: .document(other))] }
        return comparison.differences
    }
}

/// The places at which documents were found to differ so far.
private struct DocumentComparison {
    let arraysByElement: Bool
    private(set) var differences: [FieldDifference] = []

    init(arraysByElement: Bool) {
        self.arraysByElement = arraysByElement
    }

    private mutating func add(_ path: [String], _ before: BSONValue?, _ after: BSONValue?) {
        differences.append(FieldDifference(path: path.joined(separator: "."), before: before, after: after))
    }

    /// A key that stands several times is compared in order.
    mutating func compare(_ one: BSONDocument, _ other: BSONDocument, _ path: [String]) {
        let others = other.fields
        var isTaken = [Bool](repeating: false, count: others.count)
        // Mostly the fields are the same, so the next one is looked at first.
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

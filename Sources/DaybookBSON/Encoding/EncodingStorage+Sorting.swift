/// Sorts the elements of dictionaries and sets by their bytes, after they were written: their own order differs from
/// process to process.
extension EncodingStorage {
    /// Begins a run of elements in `index` that will be sorted.
    func beginSorting(_ sorting: EncodingNode.Sorting, _ index: Int) {
        nodes[index].sorting = sorting
        nodes[index].sortStart = nodes[index].isOpen ? bytes.count : nodes[index].end - 1
    }

    /// Ends the fields of a dictionary when another container of the same document continues: only the dictionary's are
    /// sorted.
    @inline(__always)
    func separateDictionary(_ index: Int, _ isDictionary: Bool) {
        if nodes[index].sorting == .fields, !isDictionary { finishSorting(index) }
    }

    /// Sorts what was added to `index` since `beginSorting`. The node is open, and at the end of the output.
    func finishSorting(_ index: Int) {
        let sorting = nodes[index].sorting
        guard sorting != .none else { return }
        nodes[index].sorting = .none
        if nodes[index].isOpen { sort(sorting, from: nodes[index].sortStart, to: bytes.count) }
    }

    /// Sorts the elements between two offsets; the elements of an array are renumbered.
    func sort(_ sorting: EncodingNode.Sorting, from start: Int, to end: Int) {
        record { () throws(BSONError) in
            let result = bytes.withUnsafeBytes { buffer in
                Result { () throws(BSONError) in try Self.sorted(buffer, sorting, from: start, to: end) }
            }
            if let sorted = try result.get() { bytes.replace(start..<end, with: sorted) }
        }
    }

    /// The elements between two offsets, sorted; nil when they already are.
    private static func sorted(
        _ buffer: UnsafeRawBufferPointer, _ sorting: EncodingNode.Sorting, from start: Int, to end: Int
    ) throws(BSONError) -> [UInt8]? {
        var elements: [ElementLocation] = []
        var offset = start
        while offset < end {
            let element = try ElementLocation(in: buffer, at: offset, limit: end)
            elements.append(element)
            offset = element.end
        }
        switch sorting {
        case .none: return nil
        case .fields: return try sortedFields(buffer, elements, count: end - start)
        case .elements: return sortedGroups(buffer, elements, of: 1, count: end - start)
        case .pairs: return sortedGroups(buffer, elements, of: 2, count: end - start)
        }
    }

    private static func sortedFields(
        _ buffer: UnsafeRawBufferPointer, _ elements: [ElementLocation], count: Int
    ) throws(BSONError) -> [UInt8]? {
        func key(_ element: ElementLocation) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: buffer[element.key..<element.keyEnd])
        }
        let sorted = elements.sorted { precedes(key($0), key($1)) }
        for (element, next) in zip(sorted, sorted.dropFirst()) where haveSameBytes(key(element), key(next)) {
            throw BSONError(.invalidKey, "Two keys of a dictionary are encoded alike.")
        }
        if zip(sorted, elements).allSatisfy({ $0.key == $1.key }) { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(count)
        for element in sorted { result.append(contentsOf: buffer[element.header..<element.end]) }
        return result
    }

    private static func sortedGroups(
        _ buffer: UnsafeRawBufferPointer, _ elements: [ElementLocation], of size: Int, count: Int
    ) -> [UInt8]? {
        func value(_ element: ElementLocation) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: buffer[element.value..<element.end])
        }
        func isBefore(_ left: ElementLocation, _ right: ElementLocation) -> Bool {
            left.type == right.type ? precedes(value(left), value(right)) : left.type.rawValue < right.type.rawValue
        }
        let groups = stride(from: 0, to: elements.count, by: size).sorted { left, right in
            if isBefore(elements[left], elements[right]) { return true }
            // Different keys may encode alike, as two dates within a millisecond do. Then compare the values, because
            // the order of the keys differs from process to process.
            guard size == 2, left + 1 < elements.count, right + 1 < elements.count,
                !isBefore(elements[right], elements[left])
            else { return false }
            return isBefore(elements[left + 1], elements[right + 1])
        }
        var result = ByteBuffer(capacity: count)
        var index = 0
        for group in groups {
            for element in elements[group..<min(group + size, elements.count)] {
                result.append(element.type.rawValue)
                result.appendIndexKey(index)
                result.append(contentsOf: value(element))
                index += 1
            }
        }
        return result.array
    }
}

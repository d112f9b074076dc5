/// A small cache of objects for the key types that containers used last. The oldest entry is replaced first.
struct KeyTypeMemory {
    private struct Entry {
        var type: ObjectIdentifier
        /// The name of an enum's case, if the entry is for a case.
        var name: String?
        /// Nil for a type that was requested only once: most are not requested again, and the object costs more than it
        /// saves one time.
        var object: AnyObject?
    }

    // A case of an enum takes two entries, one for the case and one for its payload.
    private static let capacity = 32

    private var entries: [Entry] = []
    private var oldest = 0

    /// The entry for `type`, or for its case `name`.
    @inline(__always)
    func index(of type: Any.Type, named name: String? = nil) -> Int? {
        let type = ObjectIdentifier(type)
        for index in entries.indices where entries[index].type == type && entries[index].name == name { return index }
        return nil
    }

    @inline(__always)
    subscript(index: Int) -> AnyObject? {
        get { entries[index].object }
        set { entries[index].object = newValue }
    }

    mutating func add(_ type: Any.Type, named name: String? = nil, _ object: AnyObject?) {
        let entry = Entry(type: ObjectIdentifier(type), name: name, object: object)
        if entries.count < Self.capacity { return entries.append(entry) }
        entries[oldest] = entry
        oldest = (oldest + 1) % Self.capacity
    }
}

/// What was made for the key types that containers were asked for last: a few of them, the oldest forgotten first.
struct KeyTypeMemory {
    private struct Entry {
        var type: ObjectIdentifier
        /// The case of an enum, where it is about one.
        var name: String?
        /// Nil for a type that was asked for once: most are not asked for again, and what would be made costs more than it saves one time.
        var object: AnyObject?
    }

    // A case of an enum takes two, its own and that of its payload.
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

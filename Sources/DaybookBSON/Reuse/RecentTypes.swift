/// The four types that were added last.
///
/// Checking a type for a conformance costs hundreds of instructions each time, even where the runtime has the answer
/// cached. Comparing it with recent types costs a few.
struct RecentTypes {
    private var first: ObjectIdentifier?
    private var second: ObjectIdentifier?
    private var third: ObjectIdentifier?
    private var fourth: ObjectIdentifier?

    @inline(__always)
    func contains(_ type: Any.Type) -> Bool {
        let type = ObjectIdentifier(type)
        return type == first || type == second || type == third || type == fourth
    }

    mutating func add(_ type: Any.Type) {
        (first, second, third, fourth) = (ObjectIdentifier(type), first, second, third)
    }
}

/// Whether the two are the same type.
@inline(__always)
func isSame(_ left: Any.Type, _ right: Any.Type) -> Bool { ObjectIdentifier(left) == ObjectIdentifier(right) }

/// Where the next field of a container is expected. Containers are structs and cannot change themselves, so the hints
/// are kept here: one for each depth modulo four. A hint is used only if it is about the same container.
struct FieldHints {
    struct Hint {
        /// Where the container starts; -1 for none.
        var container: Int32 = -1
        /// Where the field after the one found last starts.
        var offset: Int32 = 0
    }

    private var hints = (Hint(), Hint(), Hint(), Hint())

    subscript(depth: UInt8) -> Hint {
        @inline(__always)
        mutating get {
            // The index is 0 to 3, so the offset is that of one of the four.
            withUnsafeBytes(of: &hints) {
                $0.load(fromByteOffset: Int(depth & 3) * MemoryLayout<Hint>.stride, as: Hint.self)
            }
        }
        @inline(__always)
        set {
            withUnsafeMutableBytes(of: &hints) {
                $0.storeBytes(of: newValue, toByteOffset: Int(depth & 3) * MemoryLayout<Hint>.stride, as: Hint.self)
            }
        }
    }
}

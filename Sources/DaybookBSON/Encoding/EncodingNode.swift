/// One place in the output that a value or a container is written to.
///
/// A node begins as `pending`, when a value receives its encoder, and becomes what the value requests. When a path is
/// needed, the node's key is read back from the output, so that no path is kept as long as nothing fails.
struct EncodingNode {
    enum Kind {
        /// Nothing is written yet. If nothing ever is, the value is an empty document.
        case pending
        case document
        case array
        /// A value that is not a container; complete.
        case value
    }

    /// How the elements of an unordered Swift collection are sorted.
    enum Sorting {
        case none
        /// Fields by the bytes of their keys.
        case fields
        /// Elements by type byte and value bytes.
        case elements
        /// Pairs of elements, by the first one's type byte and value bytes, and where those are equal by the second
        /// one's.
        case pairs
    }

    var kind = Kind.pending
    /// Whether the node still grows at the end of the output. The open nodes form a chain from the root to the top.
    var isOpen = true
    /// How the elements from `sortStart` on are sorted, once they are complete.
    var sorting = Sorting.none
    /// What `sorting` becomes if the value requests an array: to an encoder, sets and dictionaries look like any array.
    var unkeyedSorting = Sorting.none
    /// The index of the enclosing node; -1 for the root.
    var parent: Int
    /// How many values enclose this one.
    var depth: Int
    /// Distinguishes this node from an earlier one at the same index.
    var serial: UInt32
    /// The offset of the type byte, before the key; -1 for the root.
    var header: Int
    /// The offset of the value.
    var start: Int
    /// One past the value's last byte, once closed.
    var end = 0
    /// The number of elements of an array.
    var count = 0
    /// Where the elements that are to be sorted begin.
    var sortStart = 0
}

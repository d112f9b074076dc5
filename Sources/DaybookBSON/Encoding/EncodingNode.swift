/// One place in the output that a value or a container is being written to.
///
/// A node begins `pending`, when an encoder is lent to a value, and becomes what the value asks for. Its key is read back from
/// the output when a path is needed, so no path is kept while all is well.
struct EncodingNode {
    enum Kind {
        /// Nothing is written yet; if it stays so, the value is an empty document.
        case pending
        case document
        case array
        /// A value that is not a container; complete.
        case value
    }

    /// The order that the elements of an unordered Swift collection are given.
    enum Sorting {
        case none
        /// Fields by the bytes of their keys.
        case fields
        /// Elements by type byte and value bytes.
        case elements
        /// Elements two by two, by the first's type byte and value bytes, and where those are equal by the second's.
        case pairs
    }

    var kind = Kind.pending
    /// An open node still grows at the end of the output. The open nodes are a chain from the root to the top.
    var isOpen = true
    /// What to do with the elements from `sortStart` on, once they are complete.
    var sorting = Sorting.none
    /// What `sorting` becomes if the value asks for an array: sets and dictionaries look like any array to an encoder.
    var unkeyedSorting = Sorting.none
    /// The index of the enclosing node; -1 for the root.
    var parent: Int
    /// How many values enclose this one.
    var depth: Int
    /// Tells this node from an earlier one at the same index.
    var serial: UInt32
    /// The offset of the type byte, which the key follows; -1 for the root.
    var header: Int
    /// The offset of the value.
    var start: Int
    /// One past the value, once closed.
    var end = 0
    /// The number of elements of an array.
    var count = 0
    /// Where the elements to be sorted begin.
    var sortStart = 0
}

package import DaybookBSON

/// Documents copied out of a cursor, one after another in one buffer.
package struct DocumentBatch: Sendable {
    private var bytes: [UInt8] = []
    /// Where each document ends.
    private var ends: [Int] = []

    package init() {}

    /// An empty batch with room for `capacity` bytes.
    init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    /// How many documents it holds.
    package var count: Int { ends.count }

    /// The size of all documents.
    package var byteCount: Int { bytes.count }

    mutating func append(_ document: BorrowedDocument) {
        bytes.append(contentsOf: document.bytes)
        ends.append(bytes.count)
    }

    /// Calls `body` with each document from `index` on, borrowed for that call, until it returns false.
    ///
    /// - Returns: The index of the document at which `body` returned false; ``count`` when it never did.
    package func visit(from index: Int, _ body: (BorrowedDocument) throws -> Bool) throws -> Int {
        try bytes.withUnsafeBytes { buffer in
            var start = index > 0 ? ends[index - 1] : 0
            for index in index..<ends.count {
                let end = ends[index]
                let document = try BorrowedDocument(
                    validatingLengthOf: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
                guard try body(document) else { return index }
                start = end
            }
            return ends.count
        }
    }
}

package import DaybookBSON

/// See ``MongoClient/find(_:in:options:decode:)``. Each iteration sends a new query.
package struct CursorSequence<Element: Sendable>: AsyncSequence, Sendable {
    let client: MongoClient
    let request: CursorRequest
    let namespace: Namespace
    let options: FindOptions
    let decode: @Sendable (BorrowedDocument) throws -> Element

    package func makeAsyncIterator() -> Iterator {
        Iterator(SequenceCursor(self))
    }

    package struct Iterator: AsyncIteratorProtocol {
        private let cursor: SequenceCursor<Element>
        private var batch: [Element] = []
        /// The position in the batch of the next element to return.
        private var index = 0
        private var ending: SequenceCursor<Element>.Ending?
        /// The last document of those that elements were made of so far; nil before the first. When a cursor ends in an
        /// error, it is the last element's document.
        package private(set) var last: BSONDocument?

        init(_ cursor: SequenceCursor<Element>) {
            self.cursor = cursor
        }

        package mutating func next() async throws -> Element? {
            while true {
                if index < batch.count {
                    index += 1
                    return batch[index - 1]
                }
                switch ending {
                case .none: break
                case .end: return nil
                case .failure(let error): throw error
                }
                do {
                    let (batch, last, ending) = try await cursor.nextBatch()
                    self.batch = batch
                    index = 0
                    self.ending = ending
                    self.last = last ?? self.last
                } catch {
                    ending = .failure(error)
                }
            }
        }
    }
}

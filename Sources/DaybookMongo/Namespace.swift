/// The full name of a collection. Names compare by their UTF-8 bytes, as in MongoDB, and not as Swift compares strings.
package struct Namespace: Sendable, Hashable, CustomStringConvertible {
    package var database: String
    package var collection: String

    package init(database: String, collection: String) {
        self.database = database
        self.collection = collection
    }

    package var description: String { "\(database).\(collection)" }
}

extension Namespace {
    package static func == (left: Namespace, right: Namespace) -> Bool {
        left.collection.utf8.elementsEqual(right.collection.utf8)
            && left.database.utf8.elementsEqual(right.database.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for var name in [database, collection] {
            name.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
            // 0xFF never occurs in UTF-8, so it separates the two names: no other pair of names hashes the same bytes.
            hasher.combine(0xFF as UInt8)
        }
    }
}

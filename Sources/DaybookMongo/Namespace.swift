/// The full name of a collection. Names compare by their UTF-8 bytes, as MongoDB compares them, and not as Swift compares texts.
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
        left.collection.utf8.elementsEqual(right.collection.utf8) && left.database.utf8.elementsEqual(right.database.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for var name in [database, collection] {
            name.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
            // No UTF-8 has it, so that a name and what follows it are not taken for another name.
            hasher.combine(0xFF as UInt8)
        }
    }
}

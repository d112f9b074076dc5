internal import DaybookBSON
internal import DaybookMongo

extension BenchDatabase {
    /// Reads and decodes each event of the journal, as every program that folds events must.
    ///
    /// - Returns: How many there are.
    func decodeJournal(sort: [(key: String, direction: Int32)]) async throws -> Int {
        let namespace = Namespace(database: name, collection: "journal")
        return try await client.withConnection(.cursor) { connection in
            var count = 0
            let decoder = BSONDecoder()
            try connection.find([:], in: namespace, options: FindOptions(sort: sort)) { document in
                var elements = document.makeElements()
                var type = ""
                while let element = try elements.next() {
                    if element.hasKey("type") {
                        type = try element.string()
                    } else if element.hasKey("data") {
                        _ = try decoder.decodeCase(LoanEvent.self, name: type, payload: element.document())
                    }
                }
                count += 1
                return true
            }
            return count
        }
    }
}

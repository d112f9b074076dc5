internal import DaybookBSON

/// Driver options that never change, encoded once.
enum DriverOptions {
    static let withoutValidation: BSONDocument = ["validate": false]
    private static let upsertWithoutValidation: BSONDocument = ["validate": false, "upsert": true]

    static func update(upsert: Bool) -> BSONDocument { upsert ? upsertWithoutValidation : withoutValidation }

    static func adding(_ writeConcern: WriteConcern?, to options: BSONDocument) -> BSONDocument {
        guard let writeConcern else { return options }
        var options = options
        // Fails only for a key with NUL, or at 2 GiB; neither can happen here.
        try? options.append("writeConcern", .document(writeConcern.document))
        return options
    }
}

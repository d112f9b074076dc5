internal import DaybookBSON

extension FieldDifference {
    /// `{ path, before, after }`, without the value that is not there.
    var document: BSONDocument {
        get throws {
            var document: BSONDocument = ["path": .string(path)]
            try document.append("before", ifPresent: before)
            try document.append("after", ifPresent: after)
            return document
        }
    }
}

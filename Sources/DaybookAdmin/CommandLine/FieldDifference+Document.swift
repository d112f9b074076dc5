internal import DaybookBSON

extension FieldDifference {
    /// `{ path, before, after }`; a value that does not exist is left out.
    var document: BSONDocument {
        get throws {
            var document: BSONDocument = ["path": .string(path)]
            try document.append("before", ifPresent: before)
            try document.append("after", ifPresent: after)
            return document
        }
    }
}

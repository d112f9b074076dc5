/// The two spellings of MongoDB Extended JSON v2 (`source/extended-json` in the MongoDB specifications).
public enum ExtendedJSONFormat: Sendable, Hashable {
    /// Every type is spelled out, `{"$numberInt": "1"}`: parsing it results in the same bytes.
    case canonical
    /// Numbers are JSON numbers and dates ISO 8601 texts, for people and for other programs. An integer that fits into
    /// an `int32` is parsed as one.
    case relaxed
}

/// The two spellings of MongoDB Extended JSON v2 (`source/extended-json` in the MongoDB specifications).
public enum ExtendedJSONFormat: Sendable, Hashable {
    /// Every type is spelled out, `{"$numberInt": "1"}`: reading it gives the same bytes again.
    case canonical
    /// Numbers are JSON numbers and dates ISO 8601 texts, for people and for other programs. An integer comes back as `int32`
    /// if it fits in one.
    case relaxed
}

extension BSONCodable {
    public init(from decoder: any Decoder) throws {
        // Called within our own decoder when a type calls init(from:) on a value that it holds.
        if let decoder = decoder as? ValueDecoder, let readable = Self.self as? any BSONReadable.Type,
            let value = try decoder.storage.read(readable, from: decoder.value) as? Self
        {
            self = value
            return
        }
        throw DecodingError.typeMismatch(
            Self.self,
            .init(codingPath: decoder.codingPath, debugDescription: "\(Self.self) is decoded by BSONDecoder only."))
    }
}

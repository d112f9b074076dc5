/// A BSON type as a part of `Codable` values. Daybook's own encoder and decoder handle it directly; others have no form for
/// it, and get an error that says so.
public protocol BSONCodable: Codable {}

extension BSONCodable {
    public init(from decoder: any Decoder) throws {
        // Reached within our own decoder when a type calls init(from:) for a value it holds.
        if let decoder = decoder as? ValueDecoder, let readable = Self.self as? any BSONReadable.Type,
            let value = try decoder.storage.read(readable, from: decoder.value) as? Self
        {
            self = value
            return
        }
        throw DecodingError.typeMismatch(
            Self.self, .init(codingPath: decoder.codingPath, debugDescription: "\(Self.self) is decoded by BSONDecoder only."))
    }

    public func encode(to encoder: any Encoder) throws {
        guard let encoder = encoder as? ValueEncoder, let writable = self as? any BSONWritable else {
            throw EncodingError.invalidValue(
                self, .init(codingPath: encoder.codingPath, debugDescription: "\(Self.self) is encoded by BSONEncoder only."))
        }
        try encoder.handle.storage.fill(writable, in: encoder.handle)
    }
}

extension BSONValue: BSONCodable {}
extension BSONDocument: BSONCodable {}
extension BSONDate: BSONCodable {}
extension BSONObjectID: BSONCodable {}
extension BSONBinary: BSONCodable {}
extension BSONRegex: BSONCodable {}
extension BSONTimestamp: BSONCodable {}
extension BSONDecimal128: BSONCodable {}
extension BSONDBPointer: BSONCodable {}
extension BSONJavaScriptWithScope: BSONCodable {}

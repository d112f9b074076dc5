extension BSONCodable {
    public func encode(to encoder: any Encoder) throws {
        guard let encoder = encoder as? ValueEncoder, let writable = self as? any BSONWritable else {
            throw EncodingError.invalidValue(
                self,
                .init(codingPath: encoder.codingPath, debugDescription: "\(Self.self) is encoded by BSONEncoder only."))
        }
        try encoder.handle.storage.fill(writable, in: encoder.handle)
    }
}

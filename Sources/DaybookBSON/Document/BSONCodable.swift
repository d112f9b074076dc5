/// A BSON type as a part of `Codable` values. Daybook's own encoder and decoder handle it directly. Other coders have
/// no form for it, and get an error that says so.
public protocol BSONCodable: Codable {}

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

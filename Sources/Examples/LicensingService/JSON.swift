internal import DaybookAdmin
internal import Foundation

/// `value` as JSON; `pretty` over several lines.
func json(_ value: some Encodable, pretty: Bool = false) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
        pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .custom { date, encoder in
        var container = encoder.singleValueContainer()
        try container.encode(date.rfc3339)
    }
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// Dates as ``json(_:pretty:)`` writes them.
func decode<Value: Decodable>(_ type: Value.Type, from text: String) throws -> Value {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .custom { decoder in
        let container = try decoder.singleValueContainer()
        guard let date = Date(rfc3339: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a date as RFC 3339 writes it")
        }
        return date
    }
    return try decoder.decode(type, from: Data(text.utf8))
}

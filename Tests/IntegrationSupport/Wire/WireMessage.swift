internal import DaybookBSON

/// One message of MongoDB's wire protocol: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
struct WireMessage: Sendable {
    static let maximumLength = 48_000_000 + 64 * 1024
    private static let opMsg: Int32 = 2013
    private static let opQuery: Int32 = 2004

    /// All of it, header included.
    private(set) var bytes: [UInt8]

    /// Reads the next message; nil at the end of the connection, or when what comes is no message.
    static func read(from socket: LocalSocket) -> WireMessage? {
        guard let header = socket.receive(16) else { return nil }
        let length = Int(int32(header, at: 0))
        guard length >= 16, length <= maximumLength, let rest = socket.receive(length - 16) else { return nil }
        return WireMessage(bytes: header + rest)
    }

    var requestID: Int32 { Self.int32(bytes, at: 4) }
    var responseTo: Int32 { Self.int32(bytes, at: 8) }

    /// The command of a request, or the reply's document; nil for what is neither OP_MSG nor the OP_QUERY of an old handshake.
    var body: BSONDocument? {
        let start: Int
        switch Self.int32(bytes, at: 12) {
        case Self.opMsg:
            // Flags, then sections: the body is of kind 0, a sequence of documents of kind 1.
            var section = 20
            while section < bytes.count, bytes[section] == 1, section + 5 <= bytes.count {
                section += 1 + Int(Self.int32(bytes, at: section + 1))
            }
            guard section < bytes.count, bytes[section] == 0 else { return nil }
            start = section + 1
        case Self.opQuery:
            guard let end = bytes[20...].firstIndex(of: 0) else { return nil }
            start = end + 9
        default:
            return nil
        }
        guard start + 4 <= bytes.count else { return nil }
        let length = Int(Self.int32(bytes, at: start))
        guard length >= 5, start + length <= bytes.count else { return nil }
        return BSONDocument(unchecked: Array(bytes[start..<start + length]))
    }

    /// The documents that travel beside the body, as those of an insert and the statements of an update or a delete do.
    var sequence: [BSONDocument] {
        guard Self.int32(bytes, at: 12) == Self.opMsg else { return [] }
        var documents: [BSONDocument] = []
        var section = 20
        while section + 5 <= bytes.count {
            let size = Int(Self.int32(bytes, at: section + 1))
            let end = section + 1 + size
            guard size >= 5, end <= bytes.count else { break }
            if bytes[section] == 1, var start = bytes[(section + 5)..<end].firstIndex(of: 0).map({ $0 + 1 }) {
                while start + 5 <= end, case let length = Int(Self.int32(bytes, at: start)), length >= 5, start + length <= end {
                    documents.append(BSONDocument(unchecked: Array(bytes[start..<start + length])))
                    start += length
                }
            }
            section = end
        }
        return documents
    }

    /// The name of the command: the first key of its document.
    var commandName: String? {
        body?.withBorrowed { document in
            var elements = document.makeElements()
            return try? elements.next()?.keyString
        } ?? nil
    }

    /// A reply to `request`, in the form that the request asked in.
    static func reply(_ document: BSONDocument, to request: WireMessage) -> WireMessage {
        var rest: [UInt8] = []
        let isLegacy = int32(request.bytes, at: 12) == opQuery
        if isLegacy {
            // OP_REPLY: flags, cursor, start, one document.
            rest += [8, 0, 0, 0] + [UInt8](repeating: 0, count: 12) + [1, 0, 0, 0]
        } else {
            rest += [0, 0, 0, 0, 0]
        }
        rest += document.bytes
        var header: [UInt8] = []
        for value in [Int32(16 + rest.count), 1, request.requestID, isLegacy ? 1 : opMsg] {
            withUnsafeBytes(of: value.littleEndian) { header += $0 }
        }
        return WireMessage(bytes: header + rest)
    }

    /// Writes another value into every field of that name that is an int32.
    mutating func replaceInt32(_ key: String, with value: Int32) {
        let field = [0x10] + Array(key.utf8) + [0]
        // Only handshakes are that short, and have such a field.
        guard bytes.count < 4_096, bytes.count >= field.count + 4 else { return }
        for start in 0...(bytes.count - field.count - 4) where bytes[start...].starts(with: field) {
            withUnsafeBytes(of: value.littleEndian) {
                bytes.replaceSubrange((start + field.count)..<(start + field.count + 4), with: $0)
            }
        }
    }

    private static func int32(_ bytes: [UInt8], at offset: Int) -> Int32 {
        var value: UInt32 = 0
        for index in 0..<4 { value |= UInt32(bytes[offset + index]) << (8 * UInt32(index)) }
        return Int32(bitPattern: value)
    }
}

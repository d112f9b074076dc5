internal import DaybookBSON

/// One message of MongoDB's wire protocol: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
struct WireMessage: Sendable {
    static let maximumLength = 48_000_000 + 64 * 1024
    private static let opMsg: Int32 = 2013
    private static let opQuery: Int32 = 2004
    private static let opReply: Int32 = 1

    /// All of it, header included.
    let bytes: [UInt8]

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A message with the header of another, but for its length.
    private init(header: [UInt8], content: [UInt8]) {
        bytes = Self.bytes(Int32(16 + content.count)) + header[4..<16] + content
    }

    /// Reads the next message; nil at the end of the connection, or when what comes is no message.
    static func read(from socket: LocalSocket) -> WireMessage? {
        guard let header = socket.receive(16) else { return nil }
        let length = Int(int32(header, at: 0))
        guard length >= 16, length <= maximumLength, let rest = socket.receive(length - 16) else { return nil }
        return WireMessage(bytes: header + rest)
    }

    var requestID: Int32 { Self.int32(bytes, at: 4) }
    var responseTo: Int32 { Self.int32(bytes, at: 8) }

    /// Whether the server sends another reply without a request for it, as `hello` with `exhaustAllowed` makes it do.
    var hasMoreToCome: Bool { bytes.count >= 20 && Self.int32(bytes, at: 12) == Self.opMsg && bytes[16] & 2 != 0 }

    /// The command of a request, or the reply's document; nil for what is neither OP_MSG nor the OP_QUERY or OP_REPLY
    /// of an old handshake.
    var body: BSONDocument? { bodyRange.map { BSONDocument(unchecked: Array(bytes[$0])) } }

    private var bodyRange: Range<Int>? {
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
        case Self.opReply:
            start = 36
        default:
            return nil
        }
        guard start + 4 <= bytes.count else { return nil }
        let length = Int(Self.int32(bytes, at: start))
        guard length >= 5, start + length <= bytes.count else { return nil }
        return start..<(start + length)
    }

    /// The same message with another body.
    func replacingBody(with document: BSONDocument) -> WireMessage {
        guard let range = bodyRange else { return self }
        return WireMessage(
            header: bytes,
            content: Array(bytes[16..<range.lowerBound]) + document.bytes + Array(bytes[range.upperBound...]))
    }

    /// The same OP_MSG with those documents beside its body that `isKept` accepts.
    func keeping(_ isKept: (BSONDocument) -> Bool) -> WireMessage {
        guard let body, Self.int32(bytes, at: 12) == Self.opMsg, let name = sequenceName else { return self }
        let documents = sequence.filter(isKept).flatMap(\.bytes)
        let section = Self.bytes(Int32(4 + name.count + 1 + documents.count)) + name + [0] + documents
        return WireMessage(header: bytes, content: Array(bytes[16..<20]) + [0] + body.bytes + [1] + section)
    }

    private var sequenceName: [UInt8]? {
        var section = 20
        while section + 5 <= bytes.count {
            if bytes[section] == 1 { return Array(bytes[(section + 5)...].prefix { $0 != 0 }) }
            section += 1 + Int(Self.int32(bytes, at: section + 1))
        }
        return nil
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
                while start + 5 <= end, case let length = Int(Self.int32(bytes, at: start)), length >= 5,
                    start + length <= end
                {
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
        let header = [Int32(16 + rest.count), 1, request.requestID, isLegacy ? opReply : opMsg].flatMap(bytes)
        return WireMessage(bytes: header + rest)
    }

    private static func int32(_ bytes: [UInt8], at offset: Int) -> Int32 {
        var value: UInt32 = 0
        for index in 0..<4 { value |= UInt32(bytes[offset + index]) << (8 * UInt32(index)) }
        return Int32(bitPattern: value)
    }

    private static func bytes(_ number: Int32) -> [UInt8] { withUnsafeBytes(of: number.littleEndian) { Array($0) } }
}

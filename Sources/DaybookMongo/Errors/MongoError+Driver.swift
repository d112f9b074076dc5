internal import CMongoC
internal import DaybookBSON

extension MongoError {
    /// The error that the last call left in `result`.
    ///
    /// Errors are distinguished by domain, code and labels only. With error API version 2, libmongoc reports the
    /// server's own codes in the domain `MONGOC_ERROR_SERVER`, and network and selection failures in domains of their
    /// own.
    init(_ result: OpaquePointer, operation: String, namespace: String?) {
        let domain = daybook_result_domain(result)
        let number = daybook_result_code(result)
        let text = String(cString: daybook_result_message(result))
        let reply = ServerReply(result)
        self.init(Self.code(domain: domain, number: number), text)
        if domain == MONGOC_ERROR_SERVER.rawValue || domain == MONGOC_ERROR_WRITE_CONCERN.rawValue {
            serverCode = Int32(bitPattern: number)
        }
        self.operation = operation
        self.namespace = namespace
        if daybook_result_has_label(result, "TransientTransactionError") { labels.insert(.transientTransaction) }
        if daybook_result_has_label(result, "UnknownTransactionCommitResult") { labels.insert(.unknownCommitResult) }
        if daybook_result_has_label(result, "RetryableWriteError") { labels.insert(.retryableWrite) }
        if daybook_result_has_label(result, "NonResumableChangeStreamError") {
            labels.insert(.nonResumableChangeStream)
        }
        keyPattern = reply.keyPattern
        index = reply.index
        describe(text, codeName: reply.codeName)
    }

    /// One entry of a reply's `writeErrors`, with the operation and namespace of `error`.
    init(writeError: BSONDocument, index: Int, like error: MongoError) {
        let number = Int32(clamping: writeError.count("code"))
        self.init(Self.code(server: number), "")
        serverCode = number
        operation = error.operation
        namespace = error.namespace
        self.index = index
        if case .document(let key) = writeError["keyPattern"] {
            keyPattern = key.withBorrowed { document in (try? document.map { try $0.keyString }) ?? [] }
        }
        var text = ""
        if case .string(let errmsg) = writeError["errmsg"] { text = errmsg }
        describe(text, codeName: nil)
    }

    private static func code(server number: Int32) -> Code {
        ServerErrorCode(rawValue: number)?.code ?? .server
    }

    private static func code(domain: UInt32, number: UInt32) -> Code {
        switch domain {
        case MONGOC_ERROR_SERVER.rawValue: code(server: Int32(bitPattern: number))
        case MONGOC_ERROR_WRITE_CONCERN.rawValue: .writeConcernFailed
        case MONGOC_ERROR_SERVER_SELECTION.rawValue: .noServer
        case MONGOC_ERROR_SASL.rawValue, MONGOC_ERROR_SCRAM.rawValue: .authenticationFailed
        case MONGOC_ERROR_CLIENT.rawValue where number == MONGOC_ERROR_CLIENT_AUTHENTICATE.rawValue:
            .authenticationFailed
        case MONGOC_ERROR_PROTOCOL.rawValue where number == MONGOC_ERROR_PROTOCOL_BAD_WIRE_VERSION.rawValue:
            .serverTooOld
        case MONGOC_ERROR_BSON.rawValue, MONGOC_ERROR_COMMAND.rawValue: .invalidData
        // A broken stream, a reply that cannot be read, or anything else: the operation may have been sent.
        default: .network
        }
    }

    /// Sets the sentence. It is our own where the server's text could show the content of a document or a filter.
    private mutating func describe(_ text: String, codeName: String?) {
        serverText = text
        switch code {
        case .duplicateKey:
            let fields = keyPattern.isEmpty ? "" : " over (\(keyPattern.joined(separator: ", ")))"
            message = "the unique index\(fields) already has this key"
        case .validationFailed:
            message = "the collection's validator refused the document"
        case .serverTooOld:
            message = Self.serverTooOld.message
        case .noServer:
            message =
                "no server answered: \(text). Check the URI, that the server runs, and that it can be reached from "
                + "here."
        case .authenticationFailed:
            message = "the server refused the credentials of the URI. Check user, password and authSource."
        case .unauthorized:
            // The server's text quotes the whole command, so it is not shown.
            message =
                "that takes the privilege \(Self.privilege(for: operation)), which no role of the URI's user has "
                + "there (or it names no user)"
        case .server where serverError == .atlas:
            message =
                "Atlas refused it: the URI's user may not do this there, or this tier of Atlas does not have it, or "
                + "its storage is full"
        case .server where Self.carriesUserData(operation):
            message = "the server refused it\(codeName.map { ": \($0)" } ?? "")"
        default:
            message = text
        }
    }

    /// https://www.mongodb.com/docs/manual/reference/privilege-actions/
    private static func privilege(for operation: String?) -> String {
        switch operation {
        case "aggregate", "count": "find"
        case "replace": "update"
        case "delete": "remove"
        case "bulk write", "bulkWrite": "insert, update or remove"
        case "watch": "changeStream"
        case "create": "createCollection"
        case "createIndexes": "createIndex"
        case let operation?: operation
        case nil: "that it takes"
        }
    }

    private static func carriesUserData(_ operation: String?) -> Bool {
        switch operation {
        case "find", "aggregate", "insert", "update", "replace", "delete", "bulk write", "bulkWrite": true
        default: false
        }
    }
}

/// What a reply reports about its first failed write: which document, and which index refused it.
private struct ServerReply {
    var keyPattern: [String] = []
    var index: Int?
    var codeName: String?

    /// Reads what the reply has; a malformed reply leaves the fields empty.
    init(_ result: OpaquePointer) {
        let bytes = daybook_result_reply(result)
        guard let data = bytes.data, bytes.length > 5 else { return }
        let buffer = UnsafeRawBufferPointer(start: data, count: bytes.length)
        guard let reply = try? BorrowedDocument(validatingLengthOf: buffer) else { return }
        try? read(reply)
    }

    private mutating func read(_ document: BorrowedDocument) throws {
        var elements = document.makeElements()
        while let element = try elements.next() {
            if element.hasKey("keyPattern") {
                try readKeyPattern(element.document())
            } else if element.hasKey("index") {
                index = Int(try element.int64())
            } else if element.hasKey("codeName") {
                codeName = try element.string()
            } else if element.hasKey("writeErrors") {
                var errors = try element.array().makeElements()
                if let first = try errors.next() { try read(first.document()) }
            }
        }
    }

    private mutating func readKeyPattern(_ document: BorrowedDocument) throws {
        keyPattern = []
        var elements = document.makeElements()
        while let element = try elements.next() {
            keyPattern.append(try element.keyString)
        }
    }
}

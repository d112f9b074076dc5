internal import CMongoC
internal import DaybookBSON

extension BSONDocument {
    /// The bytes as the shim takes them, borrowed for the call.
    func withDriverBytes<R>(_ body: (daybook_bytes) -> R) -> R {
        bytes.withUnsafeBufferPointer { body(daybook_bytes(data: $0.baseAddress, length: $0.count)) }
    }
}

extension BSONDocument? {
    /// As for a document; nil is what the shim takes for none.
    func withDriverBytes<R>(_ body: (daybook_bytes) -> R) -> R {
        guard let self else { return body(daybook_bytes()) }
        return self.withDriverBytes(body)
    }
}

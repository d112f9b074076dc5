internal import CMongoC
internal import DaybookBSON

extension BSONDocument {
    /// Calls `body` with the bytes in the shim's form, borrowed for the call.
    func withDriverBytes<R>(_ body: (daybook_bytes) -> R) -> R {
        bytes.withUnsafeBufferPointer { body(daybook_bytes(data: $0.baseAddress, length: $0.count)) }
    }
}

extension BSONDocument? {
    /// As for a document. For nil, the shim's form of no document.
    func withDriverBytes<R>(_ body: (daybook_bytes) -> R) -> R {
        guard let self else { return body(daybook_bytes()) }
        return self.withDriverBytes(body)
    }
}

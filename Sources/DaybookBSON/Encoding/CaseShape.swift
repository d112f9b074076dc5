/// How an enum encoded its case, noted on the way because the bytes alone do not tell.
struct CaseShape {
    /// How often the root document was asked for a nested keyed container, as Swift's synthesized code does once per case.
    var nestedContainers = 0
    /// The key of the first of them.
    var name: String?
    /// True when the payload `_0` is an optional: it then stays under `_0`, so that its absence can be told.
    var isPayloadOptional = false
}

extension EncodingStorage {
    /// The key of a single unlabelled payload in Swift's synthesized code.
    static let unlabelledKey = "_0"

    @inline(__always)
    func noteNestedContainer(_ key: some CodingKey, in handle: EncodingHandle) {
        guard caseShape != nil, handle.index == 0 else { return }
        if caseShape?.nestedContainers == 0 {
            // The key's code runs before what it is noted in is accessed.
            let name = key.stringValue
            caseShape?.name = name
        }
        caseShape?.nestedContainers += 1
    }

    @inline(__always)
    func noteOptional(_ key: some CodingKey, in handle: EncodingHandle) {
        guard caseShape != nil, let index = node(handle), nodes[index].parent == 0 else { return }
        if key.stringValue == Self.unlabelledKey { caseShape?.isPayloadOptional = true }
    }
}

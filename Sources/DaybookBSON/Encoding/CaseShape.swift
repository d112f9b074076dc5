/// How an enum encoded its case. It is recorded during encoding, because the bytes alone do not show it.
struct CaseShape {
    /// How often the root document made a nested keyed container. Swift's synthesized code does so once for a case.
    var nestedContainers = 0
    /// The key of the first of them.
    var name: String?
    /// Whether the payload `_0` is an optional. It then stays under `_0`, so that a missing value can be recognized.
    var isPayloadOptional = false
}

extension EncodingStorage {
    /// The key of a single unlabelled payload in Swift's synthesized code.
    static let unlabelledKey = "_0"

    @inline(__always)
    func noteNestedContainer(_ key: some CodingKey, in handle: EncodingHandle) {
        guard caseShape != nil, handle.index == 0 else { return }
        if caseShape?.nestedContainers == 0 {
            // Read the key before accessing `caseShape`: the key's code may be the user's own.
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

/// The output of one call to an encoder, the nodes that are being written, and a cache about the types that were
/// encoded.
///
/// Well-behaved values write depth first: every write goes to the end of `bytes`, and a node's length is patched when
/// the next write goes elsewhere. Codable also allows writing to a container after its siblings were begun; that takes
/// the slow path in `EncodingStorage+Splicing`.
final class EncodingStorage {
    // Exclusivity is unchecked for these: only this type's own code runs while they are modified.
    @exclusivity(unchecked) var bytes = ByteBuffer(capacity: 512)
    @exclusivity(unchecked) var nodes: [EncodingNode] = []
    /// The innermost open node; -1 when none is.
    @exclusivity(unchecked) var top = -1
    /// The type of the root value; other types are in `bytes`, at their node's header.
    @exclusivity(unchecked) var rootType = BSONType.document
    /// The first failure that happened where Codable has no `throws`, or that cannot be undone. It fails the whole
    /// call.
    @exclusivity(unchecked) var fault: (any Error)?
    /// Whether a date was encoded that decodes to another date.
    @exclusivity(unchecked) var hasInexactDate = false
    /// The path of the root, when this is a part of another storage's output.
    let rootPath: [any CodingKey]
    private(set) var userInfo: [CodingUserInfoKey: any Sendable]
    /// How an enum encoded its case, while one is encoded as an event.
    @exclusivity(unchecked) var caseShape: CaseShape?
    /// The key type of the last keyed container, recorded only to learn which one `Dictionary` uses.
    var probe: DictionaryKeyProbe?
    @exclusivity(unchecked) private var nextSerial: UInt32 = 0
    /// The types that were last found to simply encode themselves.
    @exclusivity(unchecked) private var plainTypes = RecentTypes()
    /// A cache of objects for the key types of containers.
    @exclusivity(unchecked) var memory = KeyTypeMemory()

    /// The most bytes that are kept for the next call.
    private static let keptCapacity = 64 * 1024

    /// An empty storage.
    init() {
        userInfo = [:]
        rootPath = []
        nodes.reserveCapacity(8)
    }

    /// A storage for a part of another storage's output, at `rootPath` and `depth` in it.
    init(userInfo: [CodingUserInfoKey: any Sendable], rootPath: [any CodingKey], depth: Int) {
        self.userInfo = userInfo
        self.rootPath = rootPath
        _ = push(parent: -1, depth: depth, header: -1)
    }

    /// Removes the output of a call. Handles that were kept are invalid from then on.
    func clear() {
        nodes.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingAtMost: Self.keptCapacity)
        top = -1
        rootType = .document
        fault = nil
        caseShape = nil
        hasInexactDate = false
    }

    /// Resets the rest of a call's data, so that the storage can be reused. No one else may refer to it.
    func rest() {
        if !userInfo.isEmpty { userInfo = [:] }
    }

    /// Begins a call, after ``rest()``.
    func begin(_ userInfo: [CodingUserInfoKey: any Sendable]) {
        if !userInfo.isEmpty { self.userInfo = userInfo }
        _ = push(parent: -1, depth: 0, header: -1)
    }

    /// True when `type` is known to encode itself.
    @inline(__always)
    func isPlain(_ type: Any.Type) -> Bool { plainTypes.contains(type) }

    /// Caches a type that is not `KnownToEncoder`. An optional's behaviour depends on its value, so its type is not
    /// cached.
    func notePlain(_ type: Any.Type) {
        if !(type is any Nullable.Type) { plainTypes.add(type) }
    }

    var root: EncodingHandle { handle(0) }

    func handle(_ index: Int) -> EncodingHandle {
        EncodingHandle(storage: self, index: Int32(truncatingIfNeeded: index), serial: nodes[index].serial)
    }

    /// The node of `handle`, if it is still being written.
    @inline(__always)
    func node(_ handle: EncodingHandle) -> Int? {
        let index = Int(handle.index)
        guard index < nodes.count, nodes[index].serial == handle.serial else { return nil }
        return index
    }

    /// Adds a pending node at the end of the output as the new top.
    func push(parent: Int, depth: Int, header: Int) -> Int {
        nextSerial &+= 1
        nodes.append(EncodingNode(parent: parent, depth: depth, serial: nextSerial, header: header, start: bytes.count))
        top = nodes.count - 1
        return top
    }

    func setType(_ type: BSONType, of index: Int) {
        let header = nodes[index].header
        if header >= 0 { bytes[header] = type.rawValue } else { rootType = type }
    }

    /// Closes the nodes inside `index`, so that the end of the output is the end of that node. Returns false when the
    /// node itself is closed and cannot be reopened.
    @inline(__always)
    func bringToTop(_ index: Int) -> Bool {
        if top == index { return true }
        return bringToTopSlowly(index)
    }

    private func bringToTopSlowly(_ index: Int) -> Bool {
        if nodes[index].isOpen {
            while top != index { close() }
            return true
        }
        return reopen(index)
    }

    /// Reopens a closed container if nothing was written after it.
    private func reopen(_ index: Int) -> Bool {
        guard nodes[index].end == bytes.count, nodes[index].parent == top, nodes[index].kind != .value else {
            return false
        }
        bytes.removeLast(nodes[index].kind == .pending ? 5 : 1)
        nodes[index].isOpen = true
        top = index
        return true
    }

    /// Completes the top node: its content is at the end of the output.
    func close() {
        let index = top
        switch nodes[index].kind {
        case .pending:
            setType(.document, of: index)
            bytes.appendEmptyDocument()
        case .document, .array:
            finishSorting(index)
            record { () throws(BSONError) in try bytes.endDocument(startingAt: nodes[index].start) }
        case .value: break
        }
        nodes[index].isOpen = false
        nodes[index].end = bytes.count
        top = nodes[index].parent
    }

    /// Runs code that may fail where the error cannot be thrown, and records the error.
    func record(_ body: () throws(BSONError) -> Void) {
        do throws(BSONError) {
            try body()
        } catch {
            fault = fault ?? error
        }
    }

    /// Encodes the call's value.
    func encodeRoot<T: Encodable>(_ value: T) throws {
        try fill(encoding: value, in: root)
        try finish()
    }

    /// Ends the call: closes all nodes, and invalidates every handle.
    func finish() throws {
        while top >= 0 { close() }
        nodes.removeAll(keepingCapacity: true)
        if let fault { throw fault }
    }
}

extension EncodingStorage {
    /// The keys from the root to `index`, read back from the output.
    func path(_ index: Int) -> [any CodingKey] {
        var keys: [any CodingKey] = []
        var index = index
        while index > 0, nodes[index].header >= 0 {
            let isIndexed = nodes[index].parent >= 0 && nodes[nodes[index].parent].kind == .array
            keys.append(BSONKey(bytes.cString(at: nodes[index].header + 1), isIndex: isIndexed))
            index = nodes[index].parent
        }
        return rootPath + keys.reversed()
    }

    /// The path of `handle`, as far as it is known.
    func path(_ handle: EncodingHandle) -> [any CodingKey] {
        node(handle).map(path) ?? rootPath
    }

    /// The error for a container or encoder that was kept too long.
    func expired(_ value: Any, _ key: (any CodingKey)?) -> EncodingError {
        invalid(
            value, rootPath, key, BSONError(.expired, "A container was used after the value it belongs to was encoded.")
        )
    }

    /// The standard error for `error`. It carries the value's type and not the value, because error descriptions end up
    /// in logs: payloads do not belong there, and Foundation traps when it describes the dates that are refused here.
    func invalid(_ value: Any, _ path: [any CodingKey], _ key: (any CodingKey)?, _ error: BSONError) -> EncodingError {
        let path = path + (key.map { [$0] } ?? [])
        return .invalidValue(
            type(of: value), .init(codingPath: path, debugDescription: error.message, underlyingError: error))
    }
}

internal import CBareDriver
internal import DaybookBSON

/// One call into libmongoc.
enum BareStep: Sendable {
    case find(in: String, BSONDocument, options: BSONDocument)
    case insert(into: String, [BSONDocument])
    case replace(in: String, BSONDocument, by: BSONDocument)
    case update(in: String, BSONDocument, by: BSONDocument)
    case begin
    case commit
}

/// Operations of a few calls each, laid out as C reads them.
///
/// `@unchecked Sendable`: everything is only read after `init`.
final class BareScript: @unchecked Sendable {
    let operationCount: Int
    private let steps: UnsafeMutableBufferPointer<bare_step>
    private let operationEnds: [Int]
    private let threadEnds: [Int]
    /// What the steps point to.
    private let arena: UnsafeMutableRawBufferPointer

    /// - Parameter threads: What each thread does, in order.
    init(threads: [[[BareStep]]]) {
        var layout = Layout()
        var operationEnds: [Int] = []
        var threadEnds: [Int] = []
        for operations in threads {
            for operation in operations {
                for step in operation { layout.add(step) }
                operationEnds.append(layout.steps.count)
            }
            threadEnds.append(operationEnds.count)
        }
        arena = .allocate(byteCount: max(layout.bytes.count, 1), alignment: 16)
        arena.copyBytes(from: layout.bytes)
        steps = .allocate(capacity: max(layout.steps.count, 1))
        let base = arena.baseAddress
        func bytes(_ range: Range<Int>) -> bare_bytes {
            bare_bytes(
                data: base.map { ($0 + range.lowerBound).assumingMemoryBound(to: UInt8.self) }, length: range.count)
        }
        for (index, step) in layout.steps.enumerated() {
            (steps.baseAddress.map { $0 + index })?.initialize(
                to: bare_step(
                    kind: step.kind,
                    collection: step.name.flatMap { place in
                        base.map { UnsafeRawPointer($0 + place).assumingMemoryBound(to: CChar.self) }
                    },
                    first: bytes(step.first), second: bytes(step.second), count: step.count))
        }
        self.operationEnds = operationEnds
        self.threadEnds = threadEnds
        operationCount = operationEnds.count
    }

    deinit {
        steps.deallocate()
        arena.deallocate()
    }

    struct Parts {
        let steps: UnsafePointer<bare_step>?
        let operationEnds: UnsafePointer<Int>?
        let threadEnds: UnsafePointer<Int>?
        let threadCount: Int
    }

    func withParts<R>(_ body: (Parts) throws -> R) rethrows -> R {
        try operationEnds.withUnsafeBufferPointer { operations in
            try threadEnds.withUnsafeBufferPointer { threads in
                try body(
                    Parts(
                        steps: steps.baseAddress.map { UnsafePointer($0) }, operationEnds: operations.baseAddress,
                        threadEnds: threads.baseAddress, threadCount: threads.count))
            }
        }
    }

    /// The steps with offsets in place of pointers.
    private struct Layout {
        struct Step {
            var kind: bare_step_kind
            var name: Int?
            var first = 0..<0
            var second = 0..<0
            var count = 0
        }

        var steps: [Step] = []
        var bytes: [UInt8] = []
        private var names: [String: Int] = [:]

        mutating func add(_ step: BareStep) {
            switch step {
            case .find(let collection, let filter, let options):
                steps.append(
                    Step(
                        kind: bare_step_find, name: name(collection), first: place(filter.bytes),
                        second: place(options.bytes)))
            case .insert(let collection, let documents):
                let kind = documents.count == 1 ? bare_step_insert_one : bare_step_insert_many
                let all = place(documents.flatMap(\.bytes))
                steps.append(Step(kind: kind, name: name(collection), first: all, count: documents.count))
            case .replace(let collection, let selector, let replacement):
                add(bare_step_replace_one, collection, selector, replacement)
            case .update(let collection, let selector, let update):
                add(bare_step_update_one, collection, selector, update)
            case .begin: steps.append(Step(kind: bare_step_begin))
            case .commit: steps.append(Step(kind: bare_step_commit))
            }
        }

        private mutating func add(
            _ kind: bare_step_kind, _ collection: String, _ selector: BSONDocument, _ change: BSONDocument
        ) {
            steps.append(
                Step(kind: kind, name: name(collection), first: place(selector.bytes), second: place(change.bytes)))
        }

        /// One place for each name: C tells collections apart by it.
        private mutating func name(_ collection: String) -> Int {
            if let known = names[collection] { return known }
            let range = place(Array(collection.utf8) + [0])
            names[collection] = range.lowerBound
            return range.lowerBound
        }

        private mutating func place(_ content: [UInt8]) -> Range<Int> {
            let start = bytes.count
            bytes += content
            return start..<bytes.count
        }
    }
}

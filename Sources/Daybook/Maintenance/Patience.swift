package import DaybookMongo

/// How long a step is tried for while the server does not answer: seven times, half a minute in all.
package struct Patience {
    private var failures = 0

    package init() {}

    /// Runs a step that may be done more than once, and again after an error that will be over soon.
    ///
    /// - Throws: The last error; what is none of that kind, at once.
    package static func around<R: Sendable>(_ step: () async throws -> R) async throws -> R {
        var patience = Patience()
        while true {
            do {
                return try await step()
            } catch let error as MongoError where error.isOfTheMoment {
                try await patience.wait(after: error, hasProgressed: false)
            }
        }
    }

    package mutating func wait(after error: MongoError, hasProgressed: Bool) async throws {
        failures = hasProgressed ? 1 : failures + 1
        guard failures <= 6 else { throw error }
        try await Task.sleep(for: .milliseconds(250 << failures))
    }
}

internal import Daybook

/// Where a check is in the user's test. A thrown error does not have that by itself.
struct SourcePlace: Sendable {
    var fileID: String
    var line: Int

    /// Runs `body`, and converts Daybook's error that something cannot be stored into a failure of the test.
    func storing<R>(_ what: String, _ code: TestFailure.Code = .notStorable, _ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch {
            guard let error = error as? DaybookError else { throw error }
            throw TestFailure(code, "\(what): \(error.message)", self, underlying: error)
        }
    }

    /// Checks that each declared field has the name that its value is encoded under, judged by this state.
    ///
    /// - Throws: ``TestFailure/Code/wrongField``
    func checkFields<A: Aggregate>(of replay: Replay<A>) throws {
        let faults = try storing("\(A.self)") { try replay.fieldFaults() }
        guard let fault = faults.first else { return }
        throw TestFailure(.wrongField, "\(A.self) \(fault).", self)
    }
}

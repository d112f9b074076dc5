package import Daybook

/// One write to the journal, and what the library reported of it.
package struct JournalWrite: Sendable {
    package enum Report: Sendable, Equatable {
        case committed
        /// It may be there, or come.
        case open
        /// It is not there, and never will be.
        case failed(DaybookError.Code)
    }

    package let path: JournalPath
    package let amount: Int
    private let body: @Sendable () async throws -> Void

    init(_ path: JournalPath, _ amount: Int, _ body: @escaping @Sendable () async throws -> Void) {
        (self.path, self.amount, self.body) = (path, amount, body)
    }

    package func run() async throws -> Report {
        switch try await daybookError(body)?.code {
        case nil: .committed
        case .outcomeUnknown: .open
        case _? where path.isCompletedByRepetition: .open
        case let code?: .failed(code)
        }
    }
}

public import Daybook
public import Foundation

extension Scenario {
    /// The result of a scenario's last command.
    ///
    /// `then` compares only the events of the last command, and neither the given events nor those of earlier commands.
    /// The last command's events are folded in for `thenState`, `then(state:)` and the next `when`.
    ///
    /// A rejection must be expected: after one that no `thenRejected` has checked, all other checks throw
    /// ``TestFailure/Code/unexpectedRejection``. A rejected command changes nothing, and the scenario may continue
    /// after it.
    public struct Outcome: Sendable {
        private let aggregate: TestedAggregate<A>
        private let command: A.Command
        private let now: Date
        private let decision: Decision<A>
        private var isRejectionExpected = false

        init(of command: A.Command, at now: Date, on aggregate: TestedAggregate<A>, _ place: SourcePlace) throws {
            var aggregate = aggregate
            decision = try aggregate.decide(command, at: now, place)
            if case .accepted(let events) = decision {
                for event in events { try aggregate.fold(event, place) }
            }
            self.aggregate = aggregate
            self.command = command
            self.now = now
        }

        /// Decides another command, after the events of the previous one.
        ///
        /// - Parameter now: The time for `decide`; the previous command's if nil.
        /// - Throws: ``TestFailure/Code/unexpectedRejection`` when the previous command was rejected.
        public func when(
            _ command: A.Command, at now: Date? = nil, fileID: String = #fileID, line: Int = #line
        ) throws -> Outcome {
            let place = SourcePlace(fileID: fileID, line: line)
            try requireAcceptance(place)
            return try Outcome(of: command, at: now ?? self.now, on: aggregate, place)
        }

        /// Checks that the last command led to exactly these events, in this order.
        ///
        /// - Throws: ``TestFailure/Code/wrongEvents`` with the differences; ``TestFailure/Code/unexpectedRejection``.
        @discardableResult
        public func then(_ events: A.Event..., fileID: String = #fileID, line: Int = #line) throws -> Outcome {
            try then(events, fileID: fileID, line: line)
        }

        /// Checks that the last command led to exactly these events, in this order.
        ///
        /// - Throws: ``TestFailure/Code/wrongEvents`` with the differences; ``TestFailure/Code/unexpectedRejection``.
        @discardableResult
        public func then(_ events: [A.Event], fileID: String = #fileID, line: Int = #line) throws -> Outcome {
            let place = SourcePlace(fileID: fileID, line: line)
            let expected = try place.storing("an expected event") { try events.map { try Replay<A>.stored($0) } }
            let decided = try accepted(place, expected: expected)
            guard decided == expected else {
                throw TestFailure(
                    .wrongEvents,
                    ["\(A.self) decided \(shown(command)) with other events than expected (- expected, + decided):"]
                        .joined(EventDifference(expected, decided).lines), place)
            }
            return self
        }

        /// Checks that the last command was accepted and led to no events, as an identical retry does.
        ///
        /// - Throws: ``TestFailure/Code/wrongEvents`` with the events; ``TestFailure/Code/unexpectedRejection``.
        @discardableResult
        public func thenNothing(fileID: String = #fileID, line: Int = #line) throws -> Outcome {
            try then([], fileID: fileID, line: line)
        }

        /// Checks that the last command was rejected for this reason.
        ///
        /// - Throws: ``TestFailure/Code/notRejected``, ``TestFailure/Code/wrongRejection``
        @discardableResult
        public func thenRejected(
            _ rejection: A.Rejection, fileID: String = #fileID, line: Int = #line
        ) throws -> Outcome where A.Rejection: Equatable {
            let place = SourcePlace(fileID: fileID, line: line)
            let found = try rejected(place, expected: ": \(shown(rejection))")
            guard found == rejection else {
                throw TestFailure(
                    .wrongRejection,
                    """
                    \(A.self) refused \(shown(command)) for another reason than expected:
                    - \(shown(rejection))
                    + \(shown(found))
                    """, place)
            }
            return expectingRejection
        }

        /// Checks that the last command was rejected, and checks the reason with your own expectations: for a
        /// `Rejection` that is not `Equatable`, or when a part of it is enough. Without a closure, any reason passes.
        ///
        /// - Throws: ``TestFailure/Code/notRejected``, or what `check` throws.
        @discardableResult
        public func thenRejected(
            fileID: String = #fileID, line: Int = #line, _ check: (A.Rejection) throws -> Void = { _ in }
        ) throws -> Outcome {
            try check(try rejected(SourcePlace(fileID: fileID, line: line), expected: ""))
            return expectingRejection
        }

        /// Checks the state after the last command, by its stored form.
        ///
        /// - Throws: ``TestFailure/Code/wrongState`` with the paths that differ;
        ///   ``TestFailure/Code/unexpectedRejection``.
        @discardableResult
        public func then(state expected: A, fileID: String = #fileID, line: Int = #line) throws -> Outcome {
            let place = SourcePlace(fileID: fileID, line: line)
            try requireAcceptance(place)
            try aggregate.compare(with: expected, place)
            return self
        }

        /// Checks the state after the last command with your own expectations.
        ///
        /// - Throws: ``TestFailure/Code/unexpectedRejection``, or what `check` throws.
        @discardableResult
        public func thenState(
            fileID: String = #fileID, line: Int = #line, _ check: (A) throws -> Void
        ) throws -> Outcome {
            try requireAcceptance(SourcePlace(fileID: fileID, line: line))
            try check(aggregate.state)
            return self
        }

        private var expectingRejection: Outcome {
            var next = self
            next.isRejectionExpected = true
            return next
        }

        private func requireAcceptance(_ place: SourcePlace) throws {
            if isRejectionExpected { return }
            _ = try accepted(place, expected: nil)
        }

        private func accepted(_ place: SourcePlace, expected: [EventContent]?) throws -> [EventContent] {
            switch decision {
            case .accepted(let events): return events
            case .rejected(let rejection):
                let wanted = expected.map { ["expected were:"] + EventDifference($0, $0).lines } ?? []
                throw TestFailure(
                    .unexpectedRejection, ["\(A.self) refused \(shown(command)): \(shown(rejection))"].joined(wanted),
                    place)
            }
        }

        private func rejected(_ place: SourcePlace, expected: String) throws -> A.Rejection {
            switch decision {
            case .rejected(let rejection): return rejection
            case .accepted(let events):
                throw TestFailure(
                    .notRejected,
                    ["\(A.self) accepted \(shown(command)), which was to be refused\(expected). It led to:"]
                        .joined(EventDifference(events, events).lines), place)
            }
        }
    }
}

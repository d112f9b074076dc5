/// The finding of a check.
///
/// It is thrown, so a check works in Swift Testing, in XCTest and in your own program. Unlike Daybook's other errors it
/// shows the content of events and states, because tests have no secrets.
public struct TestFailure: Error, Sendable {
    /// The kind of finding.
    public enum Code: String, Sendable, CaseIterable {
        /// The command led to other events.
        case wrongEvents
        /// The command was rejected, but was expected to be accepted.
        case unexpectedRejection
        /// The command was accepted, but was expected to be rejected.
        case notRejected
        /// The command was rejected for another reason.
        case wrongRejection
        /// The state differs from the expected one.
        case wrongState
        /// An event or a state cannot be encoded, or its encoded form cannot be decoded.
        case notStorable
        /// `apply`, `decide` or a `Codable` conformance had another result where it must have the same.
        case notDeterministic
        /// A declared field has another name than its value is encoded under, so queries by it find nothing.
        case wrongField
        /// With the same `stateSchema`, the same events make another state than when the golden file was recorded.
        case stateChanged
        /// The golden file is missing.
        case goldenMissing
        /// The golden file was recorded for another `stateSchema` or from other events.
        case goldenOutdated
        /// The golden file cannot be read or written, or an event in it cannot be decoded any more.
        case goldenUnreadable
        /// The golden file was recorded just now: check it, commit it, and run the test again.
        case goldenRecorded
        /// The document of a projection differs from the expected one, or is missing, or was not expected.
        case wrongDocument
        /// A projection threw an error at an event.
        case notHandled
        /// A document of a projection depends on how the events of different aggregates interleave.
        case dependsOnInterleaving
        /// No server is available for the test.
        case noServer
    }

    /// The kind of finding.
    public let code: Code
    /// What was found, for people: a sentence, followed by lines with the differences.
    public let message: String
    /// The check that found it, as `Module/File.swift`.
    public let fileID: String
    /// The line of that check.
    public let line: Int
    /// The error below, where there is one.
    public let underlying: (any Error)?

    init(_ code: Code, _ message: String, _ place: SourcePlace, underlying: (any Error)? = nil) {
        self.code = code
        self.message = message
        fileID = place.fileID
        line = place.line
        self.underlying = underlying
    }
}

extension TestFailure: CustomStringConvertible {
    /// Place and message.
    public var description: String { "\(fileID):\(line): \(message)" }
}

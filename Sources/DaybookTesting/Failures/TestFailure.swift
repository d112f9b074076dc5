/// What a check found.
///
/// It is thrown, so a check works in Swift Testing, in XCTest and in a program of one's own. Unlike Daybook's other errors it shows what
/// events and states hold: tests have no secrets.
public struct TestFailure: Error, Sendable {
    /// What kind of finding it is.
    public enum Code: String, Sendable, CaseIterable {
        /// The command led to other events.
        case wrongEvents
        /// The command was refused, and was not to be.
        case unexpectedRejection
        /// The command was accepted, and was to be refused.
        case notRejected
        /// The command was refused for another reason.
        case wrongRejection
        /// The state is another one.
        case wrongState
        /// An event or a state cannot be encoded, or not be decoded from what it encoded as.
        case notStorable
        /// `apply`, `decide` or a `Codable` conformance gives another result where it must give the same.
        case notDeterministic
        /// A declared field has another name than its value is encoded under, so queries by it find nothing.
        case wrongField
        /// Under the same `stateSchema` the same events give another state than they gave when the golden file was recorded.
        case stateChanged
        /// The golden file is not there.
        case goldenMissing
        /// The golden file was recorded for another `stateSchema` or from other events.
        case goldenOutdated
        /// The golden file cannot be read or written, or an event in it cannot be read any more.
        case goldenUnreadable
        /// The golden file was recorded just now: look at it, commit it, and run the test again.
        case goldenRecorded
        /// There is no server to test with.
        case noServer
    }

    /// What kind of finding it is.
    public let code: Code
    /// What was found, for people: a sentence, and lines with the differences below it.
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

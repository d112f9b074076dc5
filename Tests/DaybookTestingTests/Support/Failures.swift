import DaybookTesting
import Testing

/// The failure that `body` throws, whose message is exactly `message` when that is given.
func expectFailure(
    _ code: TestFailure.Code, _ message: String? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
) {
    let failure = #expect(throws: TestFailure.self, sourceLocation: sourceLocation, performing: body)
    guard let failure else { return }
    #expect(failure.code == code, sourceLocation: sourceLocation)
    if let message { #expect(failure.message == message, sourceLocation: sourceLocation) }
    #expect("\(failure)" == "\(failure.fileID):\(failure.line): \(failure.message)", sourceLocation: sourceLocation)
    #expect(failure.fileID.hasPrefix("DaybookTestingTests/"), sourceLocation: sourceLocation)
}

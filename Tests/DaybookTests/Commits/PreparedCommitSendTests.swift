@testable import Daybook
import DaybookMongo
import Testing

@Suite("What may be tried again")
struct MongoErrorRetryTests {
    @Test(
        "a lost race and a passing fault may be tried again; a missing server and anything else may not",
        arguments: [
            (.writeConflict, [], true), (.writeConflict, .transientTransaction, true),
            (.network, .transientTransaction, true),
            (.server, .transientTransaction, true), (.noServer, .transientTransaction, false), (.noServer, [], false),
            (.network, [], false), (.network, .retryableWrite, false), (.network, .unknownCommitResult, false),
            (.duplicateKey, [], false), (.validationFailed, [], false),
        ] as [(MongoError.Code, MongoError.Labels, Bool)])
    func table(code: MongoError.Code, labels: MongoError.Labels, expected: Bool) {
        var error = MongoError(code, "it failed")
        error.labels = labels
        #expect(error.canBeTriedAgain == expected)
    }
}

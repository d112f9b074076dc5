internal import DaybookBSON
package import DaybookMongo

extension DaybookError {
    /// Whether the server knows the user, who may not do this; `unauthorized` is also who it does not know.
    package var lacksPermission: Bool { (underlying as? MongoError)?.code == .unauthorized }

    package init(_ error: MongoError, operation: String, aggregateID: String?) {
        let code: Code =
            switch error.code {
            case .invalidConfiguration: .invalidConfiguration
            case .noServer, .network, .timedOut, .writeConcernFailed: .unavailable
            case .serverTooOld, .transactionsUnsupported: .unsupportedServer
            case .authenticationFailed, .unauthorized: .unauthorized
            case .poolExhausted: .poolExhausted
            case .closed: .closed
            case .tooLarge: .tooLarge
            case .duplicateKey, .writeConflict, .validationFailed, .invalidData, .placeLost, .server: .server
            }
        self.init(code, error.description, aggregateID: aggregateID, operation: operation, underlying: error)
    }

    /// `error` as the API gives it out: an error of the layers below becomes ours, one of ours learns where it arose, and rejections,
    /// cancellation and errors of the caller's own closures stay as they are.
    package static func enriching(_ error: any Error, operation: String, aggregateID: String?) -> any Error {
        switch error {
        case let error as MongoError:
            return DaybookError(error, operation: operation, aggregateID: aggregateID)
        case let error as BSONError:
            return DaybookError(
                .invalidArgument, error.description, aggregateID: aggregateID, operation: operation, underlying: error)
        case var error as DaybookError:
            error.operation = error.operation ?? operation
            error.aggregateID = error.aggregateID ?? aggregateID
            return error
        default:
            return error
        }
    }
}

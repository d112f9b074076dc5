internal import DaybookBSON
package import DaybookMongo

extension DaybookError {
    /// Whether the server knows the user, who lacks the permission. The code `unauthorized` also covers an unknown
    /// user.
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

    /// `error` as the API throws it. An error of the layers below is converted, and a `DaybookError` gets its operation
    /// and aggregate. Rejections, cancellation and errors of the caller's own closures are not changed.
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

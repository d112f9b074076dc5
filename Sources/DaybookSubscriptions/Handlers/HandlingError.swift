internal import Daybook
internal import DaybookMongo

/// How an error of a handler is taken.
enum HandlingError {
    /// Another attempt cannot help: this program does not know the event, or the event is damaged.
    static func isPermanent(_ error: any Error) -> Bool {
        guard let error = cause(of: error) as? DaybookError else { return false }
        return [.unknownEvent, .unreadableEvent, .damagedJournal].contains(error.code)
    }

    /// Whether a later attempt of the same transaction may succeed, whatever the events are.
    static func isOfTransaction(_ error: any Error) -> Bool {
        if error is PostingConflict { return true }
        guard let error = mongo(error) else { return false }
        return error.canBeTriedAgain || error.code == .writeConflict || error.phase == .commit
    }

    /// Whether it is a matter of the server, or of this process's right to use it, and not of any event.
    static func isOfTheServer(_ error: any Error) -> Bool {
        guard let error = mongo(error) else { return false }
        return error.isOfTheMoment || [.unauthorized, .authenticationFailed, .poolExhausted].contains(error.code)
    }

    /// Whether the work of this process has to end: it is cancelled, the store is closed, or another holds the
    /// partition.
    static func endsWork(_ error: any Error) -> Bool {
        let error = cause(of: error)
        if error is PartitionsLost { return true }
        // A handler may have cancelled tasks of its own.
        if error is CancellationError { return Task.isCancelled }
        if let error = error as? DaybookError, error.underlying is LeaseLost || error.code == .closed { return true }
        return mongo(error)?.code == .closed
    }

    /// The server's error, also where a handler's call of the store has wrapped it.
    private static func mongo(_ error: any Error) -> MongoError? {
        let error = cause(of: error)
        return error as? MongoError ?? (error as? DaybookError)?.underlying as? MongoError
    }

    /// What a handler has thrown, without the event that it is about.
    static func cause(of error: any Error) -> any Error { (error as? EventFailure)?.error ?? error }

    /// The pauses between the attempts of one event; after the last attempt its aggregate is parked.
    static let pauses: [Duration] = [.milliseconds(100), .seconds(1), .seconds(5)]
}

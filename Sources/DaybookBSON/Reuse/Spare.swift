internal import Synchronization

/// A place for one object that calls take and put back, so that not each of them makes its own.
///
/// A call that finds the place empty, because another has taken the object, makes one.
final class Spare<Object: AnyObject>: Sendable {
    // It may go from thread to thread: while it is here nothing else refers to the object, as put(_:) demands.
    private struct Content: @unchecked Sendable {
        var object: Object?
    }

    private let content = Mutex(Content())

    func take() -> Object? {
        let taken = content.withLock { content in
            let taken = content
            content.object = nil
            return taken
        }
        return taken.object
    }

    /// - Precondition: the caller has the only reference to `object`, and does not use it any more.
    func put(_ object: Object) {
        let content = Content(object: object)
        self.content.withLock { $0 = content }
    }
}

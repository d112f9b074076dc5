internal import Synchronization

/// A place for objects that calls take and put back, so that not each of them makes its own.
///
/// A call that finds the place empty, because others have taken what was there, makes one: there are as many as calls at a time.
final class Spare<Object: AnyObject>: Sendable {
    // They may go from thread to thread: while one is here nothing else refers to it, as put(_:) demands.
    private struct Content: @unchecked Sendable {
        var objects: [Object] = []
    }

    /// One on its way in or out, which nobody else refers to.
    private struct Transfer: @unchecked Sendable {
        let object: Object?
    }

    /// What is beyond is let go: seldom are there more threads that code at a time.
    private static var maximum: Int { 64 }

    private let content = Mutex(Content())

    func take() -> Object? {
        content.withLock { Transfer(object: $0.objects.popLast()) }.object
    }

    /// - Precondition: the caller has the only reference to `object`, and does not use it any more.
    func put(_ object: Object) {
        let transfer = Transfer(object: object)
        content.withLock { content in
            guard let object = transfer.object, content.objects.count < Self.maximum else { return }
            content.objects.append(object)
        }
    }
}

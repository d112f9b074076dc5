internal import Synchronization

/// A pool of objects that calls reuse.
///
/// A call that finds the pool empty makes a new object, so there are as many as there are concurrent calls.
final class Spare<Object: AnyObject>: Sendable {
    // Sendable, because no other reference to an object exists while it is in the pool, as put(_:) requires.
    private struct Content: @unchecked Sendable {
        var objects: [Object] = []
    }

    /// An object on its way into or out of the pool, to which no other reference exists.
    private struct Transfer: @unchecked Sendable {
        let object: Object?
    }

    /// Objects beyond this number are freed: more threads rarely code at a time.
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

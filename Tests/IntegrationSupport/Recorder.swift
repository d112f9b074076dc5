internal import Synchronization

/// What several tasks note down.
package final class Recorder<Element: Sendable>: Sendable {
    private let recorded = Mutex<[Element]>([])

    package init() {}

    package var all: [Element] { recorded.withLock { $0 } }

    package func record(_ element: Element) {
        recorded.withLock { $0.append(element) }
    }
}

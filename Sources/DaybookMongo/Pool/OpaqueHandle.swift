/// A C pointer on its way to the only connection that may use it.
///
/// `@unchecked Sendable`: it is only passed along. Code that uses it is isolated to the connection that made it.
struct OpaqueHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }
}

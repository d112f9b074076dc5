/// A C pointer on its way to the one connection that may use it.
///
/// `@unchecked Sendable`: it is only passed along; whoever uses it is isolated to the connection that made it.
struct OpaqueHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }
}

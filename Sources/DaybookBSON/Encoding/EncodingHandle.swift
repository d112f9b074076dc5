/// A container's reference to a node. It may outlive the node; every use checks that.
struct EncodingHandle {
    let storage: EncodingStorage
    let index: Int32
    let serial: UInt32
}

/// A reference to a node, as containers hold it. It may outlive its node; every use is checked.
struct EncodingHandle {
    let storage: EncodingStorage
    let index: Int32
    let serial: UInt32
}

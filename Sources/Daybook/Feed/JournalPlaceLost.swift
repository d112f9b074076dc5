/// A reader of the journal cannot continue from its place: the oplog no longer has it, it is no token, or the journal
/// was dropped or renamed. Begin anew, and read the whole journal.
package struct JournalPlaceLost: Error {
    /// Whether the journal itself was dropped or renamed, or another collection was renamed over it.
    package let isGone: Bool
    /// A ``DaybookError`` when the journal is gone, or what the server said of the place.
    package let underlying: any Error

    package init(isGone: Bool = false, underlying: any Error) {
        self.isGone = isGone
        self.underlying = underlying
    }
}

/// A feed cannot continue from its place: the oplog no longer has it, it is no token, or the journal was dropped or
/// renamed. Open a new feed and read the whole journal.
package struct JournalPlaceLost: Error {
    package let underlying: any Error

    package init(underlying: any Error) {
        self.underlying = underlying
    }
}

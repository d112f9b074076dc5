/// How many documents an update matched, modified and inserted.
package struct UpdateResult: Sendable, Hashable {
    package var matched: Int
    package var modified: Int
    package var upserted: Int
}

/// How many documents an update touched.
package struct UpdateResult: Sendable, Hashable {
    package var matched: Int
    package var modified: Int
    package var upserted: Int
}

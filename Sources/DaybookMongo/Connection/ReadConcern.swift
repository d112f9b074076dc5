/// Which data a read may return: https://www.mongodb.com/docs/manual/reference/read-concern/
package enum ReadConcern: String, Sendable {
    case local, available, majority, linearizable, snapshot
}

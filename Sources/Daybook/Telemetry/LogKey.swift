package import Logging

/// The keys of Daybook's log metadata, the same in every log line.
package enum LogKey: String {
    case aggregateID = "aggregateId"
    case aggregateType = "aggregateType"
    case bytes
    case collection
    case count
    case error
    case offset
    case reason
    case stateSchema
    case subscription
    case version
}

extension Logger {
    package func warning(_ message: Message, _ metadata: [LogKey: any CustomStringConvertible]) {
        warning(message, metadata: Metadata(metadata))
    }

    package func info(_ message: Message, _ metadata: [LogKey: any CustomStringConvertible]) {
        info(message, metadata: Metadata(metadata))
    }

    package func error(_ message: Message, _ metadata: [LogKey: any CustomStringConvertible]) {
        error(message, metadata: Metadata(metadata))
    }
}

extension Logger.Metadata {
    fileprivate init(_ metadata: [LogKey: any CustomStringConvertible]) {
        self.init(uniqueKeysWithValues: metadata.map { ($0.key.rawValue, .string($0.value.description)) })
    }
}

internal import Foundation

extension DaybookStore {
    /// The holder's name in a lease: the machine, the process, and a random id for this use.
    package static func holder() -> String {
        "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier):\(UUID().uuidString)"
    }
}

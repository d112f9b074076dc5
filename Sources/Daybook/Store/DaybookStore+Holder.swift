internal import Foundation

extension DaybookStore {
    /// What a lease names its holder by: the machine, the process, and this very store.
    package static func holder() -> String {
        "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier):\(UUID().uuidString)"
    }
}

public import Daybook
public import Foundation

/// A member's plan and open licences, each with its device, title and studio. The limits are checked against these.
///
/// Every acquisition changes the member, so two concurrent acquisitions never decide on the same count.
public struct Member: Aggregate, Equatable {
    /// The member's plan. An unknown member has the basic plan.
    public enum Plan: String, Codable, Sendable, CaseIterable, CodingKeyRepresentable { case basic, standard, premium }

    /// A licence that is neither released nor revoked. An expired one still occupies its device's slot.
    public struct OpenLicense: Codable, Sendable, Hashable {
        /// The keys of the licence, its device, its title, and the title's studio.
        public var license: String, device: String, title: String, studio: String
    }

    /// The events of a member.
    public enum Event: Codable, Sendable, Equatable {
        case licenseOpened(license: String, device: String, title: String, studio: String, policyVersion: Int)
        case licenseClosed(license: String)
        case planChanged(plan: Plan)
        case deviceRemoved(device: String)
    }

    /// The commands of a member.
    public enum Command: Encodable, Sendable {
        case open(license: String, device: String, title: String, studio: String, Terms)
        case close(license: String)
        case changePlan(Plan)
        /// Closes every licence on the device.
        case removeDevice(String)
    }

    /// `member`
    public static let type: AggregateType = "member"
    /// The fields that members are queried by.
    public static let fields: [Field<Member>] = [Field("plan", \.plan, indexed: true)]

    public internal(set) var plan = Plan.basic
    /// In the order in which the licences were opened.
    public internal(set) var open: [OpenLicense] = []

    /// An unknown member.
    public init() {}

    /// The devices that hold an open licence.
    public var devices: Set<String> { Set(open.map(\.device)) }

    /// The state after `event`.
    public mutating func apply(_ event: Event) {
        switch event {
        case .licenseOpened(let license, let device, let title, let studio, _):
            open.append(OpenLicense(license: license, device: device, title: title, studio: studio))
        case .licenseClosed(let license): open.removeAll { $0.license == license }
        case .planChanged(let plan): self.plan = plan
        case .deviceRemoved: break
        }
    }

    /// The events of `command`; none where nothing changes.
    public func decide(_ command: Command, at now: Date) throws(Refusal) -> [Event] {
        switch command {
        case .open(let license, let device, let title, let studio, let terms):
            if open.contains(where: { $0.license == license }) { return [] }
            let policy = terms.policy
            guard !open.contains(where: { $0.device == device && $0.title == title }) else {
                throw Refusal(.licenseAlreadyOpen, limit: 1)
            }
            // After a change to a smaller plan all devices count, so nothing new is opened until they fit.
            let limit = policy.devices[plan, default: 0]
            guard devices.union([device]).count <= limit else { throw Refusal(.deviceLimitReached, limit: limit) }
            guard open.count(where: { $0.studio == studio }) < policy.licensesPerStudio else {
                throw Refusal(.studioLimitReached, limit: policy.licensesPerStudio)
            }
            return [
                .licenseOpened(
                    license: license, device: device, title: title, studio: studio, policyVersion: policy.version)
            ]
        case .close(let license):
            return open.contains { $0.license == license } ? [.licenseClosed(license: license)] : []
        case .changePlan(let plan):
            return plan == self.plan ? [] : [.planChanged(plan: plan)]
        case .removeDevice(let device):
            // A device without an open licence is unknown to the member, so there is nothing to remove.
            let closed = open.filter { $0.device == device }
            guard !closed.isEmpty else { return [] }
            return [.deviceRemoved(device: device)] + closed.map { .licenseClosed(license: $0.license) }
        }
    }
}

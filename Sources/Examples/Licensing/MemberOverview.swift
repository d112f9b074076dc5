public import Daybook
public import DaybookSubscriptions

/// A member at a glance, in `views.member-overview`. The key is the member's id.
///
/// Plan, devices and open licences are made of the member's own events, which come in order. How many licences were
/// acquired is counted by the licences' events, in whatever order these come. So the document does not depend on how
/// the events of a member and of its licences interleave.
public enum MemberOverview: Projection {
    /// The state of one document.
    public struct Document: Queryable, Equatable {
        /// The member's plan. One that never changed it has the basic plan.
        public internal(set) var plan = Member.Plan.basic
        /// The devices that hold an open licence, each once, sorted: those that count against the plan's limit.
        public internal(set) var devices: [String] = []
        /// How many licences are open: neither released nor revoked.
        public internal(set) var openCount = 0
        /// How many licences the member has acquired in all, those that are over too.
        public internal(set) var acquired = 0
        /// The open licences in the order in which they were opened. An event that closes one names the licence alone,
        /// so its device must be known here.
        public internal(set) var open: [Member.OpenLicense] = []

        /// The fields that members are found by.
        public static let fields: [Field<Document>] = [
            Field("plan", \.plan, indexed: true), Field("devices", \.devices, indexed: true),
            Field("openCount", \.openCount, indexed: true), Field("acquired", \.acquired),
        ]

        /// A member without events.
        public init() {}

        mutating func apply(_ event: Member.Event) {
            switch event {
            case .licenseOpened(let license, let device, let title, let studio, _):
                open.append(.init(license: license, device: device, title: title, studio: studio))
            case .licenseClosed(let license): open.removeAll { $0.license == license }
            case .planChanged(let plan): self.plan = plan
            // The same commit closes the licences on the device.
            case .deviceRemoved: break
            }
            openCount = open.count
            devices = Set(open.map(\.device)).sorted()
        }
    }

    /// `member-overview`
    public static let name: SubscriptionName = "member-overview"

    /// The events of members, and the first event of each licence.
    public static var sources: [EventSource<MemberOverview>] {
        [
            .events(of: Member.self, key: { $0.aggregateID.key }) { member, document in
                if let event = member.event { document.apply(event) }
            },
            .events(of: License.self, key: { $0.event?.acquirer }) { _, document in
                document.acquired = document.acquired.next
            },
        ]
    }
}

extension License.Event {
    /// Who acquired the licence, in the event that says so. No later event of a licence names the member.
    fileprivate var acquirer: String? {
        if case .created(let member, _, _, _, _, _) = self { member } else { nil }
    }
}

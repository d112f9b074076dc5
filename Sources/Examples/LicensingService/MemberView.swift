internal import Daybook
internal import Licensing

/// A member as it is printed.
struct MemberView: Encodable {
    let id: String
    let version: Int64
    let plan: Member.Plan
    let devices: [String]
    let open: [Member.OpenLicense]

    init(_ snapshot: Snapshot<Member>) {
        let member = snapshot.state
        id = snapshot.id.key
        version = snapshot.version
        plan = member.plan
        open = member.open
        devices = member.devices.sorted()
    }
}

public import Daybook

extension LicensingApplication where Store == DaybookStore {
    /// A licence as it is now, or as it was at a version or a date.
    ///
    /// - Throws: ``LicensingError/unknownLicense(_:)``, also for a date before it was issued.
    public func license(_ id: String, at point: PointInHistory? = nil) async throws -> Snapshot<License> {
        let licenses = store.repository(License.self)
        let license = if let point { try await licenses.load(id, at: point) } else { try await licenses.load(id) }
        guard license.exists else { throw LicensingError.unknownLicense(id) }
        return license
    }

    /// The history of a licence with its metadata; empty when there is none.
    public func events(of license: String) throws -> History<License> {
        try store.repository(License.self).history(license)
    }

    /// A member's licences from their snapshots, one page at a time.
    public func licenses(
        of member: String, status: License.Status? = nil, device: String? = nil, limit: Int = 50,
        after key: PageKey? = nil
    ) async throws -> Page<License> {
        var filters: [Filter<License>] = [\.member == member]
        if let status { filters.append(\.status == status) }
        if let device { filters.append(\.device == device) }
        return try await store.repository(License.self).page(where: .all(filters), limit: limit, after: key)
    }

    /// A member. An unknown member has the basic plan and version 0.
    public func member(_ id: String) async throws -> Snapshot<Member> {
        try await store.repository(Member.self).load(id)
    }

    /// How often a member has downloaded a title.
    public func title(_ title: String, of member: String) async throws -> Snapshot<Title> {
        try await store.repository(Title.self).load(Title.key(member: member, title: title))
    }
}

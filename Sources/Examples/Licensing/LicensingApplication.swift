public import Daybook
public import Foundation

/// The requests of the domain. Each executes commands on one or more aggregates in one transaction. A service's routes
/// call them.
///
/// ```swift
/// let licensing = LicensingApplication(store: store)
/// let license = try await licensing.acquire(
///     member: "m-1", device: "d-1", title: "t-1", studio: "s-1", Request(key: "request-1"))
/// try await licensing.renew(license.id.key)
/// ```
///
/// Each returns the aggregate after the command, also when the request repeats one that took effect earlier. Each
/// throws a ``Refusal`` when an aggregate rejects the command, ``LicensingError`` when an id is invalid or unknown, and
/// otherwise `DaybookError`.
public struct LicensingApplication<Store: TransactionalStore>: Sendable {
    /// The store that it commits to.
    public let store: Store
    let policies: PolicyBook
    let availableUntil: @Sendable (_ title: String) -> Date?
    let clock: @Sendable () -> Date

    /// - Parameters:
    ///   - policies: The policies, each with the time from which it is in force.
    ///   - availableUntil: The end of a title's availability, where it has one.
    ///   - clock: The time of requests that have none.
    public init(
        store: Store, policies: PolicyBook = .standard,
        availableUntil: @escaping @Sendable (_ title: String) -> Date? = { _ in nil },
        clock: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.store = store
        self.policies = policies
        self.availableUntil = availableUntil
        self.clock = clock
    }

    // MARK: A licence and its member

    /// Issues a licence. Its id is derived from the member and the request's key, so that a retry addresses the same
    /// aggregates.
    ///
    /// - Parameter request: If it has no key, a random one is made; a retry is then another request.
    public func acquire(
        member: String, device: String, title: String, studio: String, _ request: Request = Request()
    ) async throws -> Snapshot<License> {
        guard !member.isEmpty, !member.utf8.contains(UInt8(ascii: ":")) else {
            throw LicensingError.invalidMember(member)
        }
        let key = request.key ?? UUID().uuidString
        let license = License.id(member: member, key: key)
        return try await transaction(request, about: title) { tx, now, terms in
            try await tx.execute(
                .create(member: member, device: device, title: title, studio: studio, terms), on: license,
                of: License.self,
                commandID: key, at: now)
            try await tx.execute(
                .open(license: license, device: device, title: title, studio: studio, terms), on: member,
                of: Member.self,
                commandID: key, at: now)
            try await tx.execute(
                .count(license: license, terms), on: Title.key(member: member, title: title), of: Title.self,
                commandID: key,
                at: now)
            return try await tx.load(license, of: License.self)
        }
    }

    /// Releases the licence, on the member's request.
    public func release(_ license: String, reason: String, _ request: Request = Request()) async throws -> Snapshot<
        License
    > {
        try await close(license, .release(reason: reason), request)
    }

    /// Revokes the licence.
    public func revoke(
        _ license: String, reason: String, operator: String, _ request: Request = Request()
    ) async throws -> Snapshot<License> {
        try await close(license, .revoke(reason: reason, operator: `operator`), request)
    }

    private func close(_ id: String, _ command: License.Command, _ request: Request) async throws -> Snapshot<License> {
        try await transaction(request) { tx, now, _ in
            let license = try await tx.execute(command, on: id, request, at: now)
            // If the licence is already closed, this changes nothing.
            try await tx.execute(.close(license: id), on: license.state.member, of: Member.self, at: now)
            return license
        }
    }

    // MARK: A licence alone

    /// Records that the download has arrived.
    public func confirmDownload(_ license: String, _ request: Request = Request()) async throws -> Snapshot<License> {
        try await transaction(request) { tx, now, _ in
            try await tx.execute(.confirmDownload, on: license, request, at: now)
        }
    }

    /// Records a device's session events, which may arrive late, shuffled and repeated.
    public func recordSessions(
        _ batch: [License.Session], of license: String, _ request: Request = Request()
    ) async throws -> Snapshot<License> {
        try await transaction(request) { tx, now, terms in
            try await tx.execute(.recordSessions(batch, terms), on: license, request, at: now)
        }
    }

    /// Renews the licence from now on.
    public func renew(_ license: String, _ request: Request = Request()) async throws -> Snapshot<License> {
        try await transaction(request) { tx, now, terms in
            let title = try await tx.load(license, of: License.self).state.title
            let terms = Terms(terms.policy, availableUntil: availableUntil(title))
            return try await tx.execute(.renew(terms), on: license, request, at: now)
        }
    }

    /// Records that the licence has expired. It stays open: it still occupies its device's slot, and may be renewed.
    public func expire(_ license: String, _ request: Request = Request()) async throws -> Snapshot<License> {
        try await transaction(request) { tx, now, _ in
            try await tx.execute(.expire, on: license, request, at: now)
        }
    }

    /// Corrects the expiry of the licence.
    public func correctExpiry(
        of license: String, to date: Date, reason: String, operator: String, _ request: Request = Request()
    ) async throws -> Snapshot<License> {
        try await transaction(request) { tx, now, _ in
            try await tx.execute(
                .correctExpiry(to: date, reason: reason, operator: `operator`), on: license, request, at: now)
        }
    }

    // MARK: A member

    /// Changes the plan. Licences that exceed the new plan's limits stay as they are.
    public func changePlan(of member: String, to plan: Member.Plan, _ request: Request = Request()) async throws
        -> Snapshot<
            Member
        >
    {
        try await transaction(request) { tx, now, _ in
            try await tx.execute(
                .changePlan(plan), on: member, of: Member.self, expecting: request.expecting, commandID: request.key,
                at: now)
            return try await tx.load(member, of: Member.self)
        }
    }

    /// Releases every licence on a device.
    public func removeDevice(_ device: String, of member: String, _ request: Request = Request()) async throws
        -> Snapshot<Member>
    {
        try await transaction(request) { tx, now, _ in
            let before = try await tx.load(member, of: Member.self)
            let version = try await tx.execute(
                .removeDevice(device), on: member, of: Member.self, expecting: request.expecting,
                commandID: request.key, at: now)
            // A retry returns the version of its first execution. Licences that were opened on the device since then
            // are not part of it.
            guard version > before.version else { return before }
            for open in before.state.open where open.device == device {
                try await tx.execute(.release(reason: "deviceRemoved"), on: open.license, of: License.self, at: now)
            }
            return try await tx.load(member, of: Member.self)
        }
    }

    // MARK: A title

    /// Corrects how often a member has downloaded a title within the policy's window.
    public func correctDownloadCount(
        of title: String, for member: String, to count: Int, reason: String, operator: String,
        _ request: Request = Request()
    ) async throws -> Snapshot<Title> {
        guard !member.isEmpty, !member.utf8.contains(UInt8(ascii: ":")) else {
            throw LicensingError.invalidMember(member)
        }
        let key = Title.key(member: member, title: title)
        return try await transaction(request) { tx, now, terms in
            try await tx.execute(
                .correct(count: count, reason: reason, operator: `operator`, terms), on: key, of: Title.self,
                expecting: request.expecting, commandID: request.key, at: now)
            return try await tx.load(key, of: Title.self)
        }
    }

    private func transaction<R: Sendable>(
        _ request: Request, about title: String? = nil,
        _ body: @Sendable (Store.Transaction, Date, Terms) async throws -> R
    ) async throws -> R {
        let now = request.now ?? clock()
        let terms = Terms(policies.policy(at: now), availableUntil: title.flatMap(availableUntil))
        return try await store.transaction(context: request.context) { try await body($0, now, terms) }
    }
}

extension StoreTransaction {
    /// Decides a command on a licence, as part of a request.
    ///
    /// - Throws: ``LicensingError/unknownLicense(_:)`` when the licence does not exist.
    fileprivate func execute(
        _ command: License.Command, on id: String, _ request: Request, at now: Date
    ) async throws -> Snapshot<License> {
        do {
            try await execute(
                command, on: id, of: License.self, expecting: request.expecting, commandID: request.key, at: now)
        } catch let refusal as Refusal {
            guard try await load(id, of: License.self).exists else { throw LicensingError.unknownLicense(id) }
            throw refusal
        }
        return try await load(id, of: License.self)
    }
}

/// Why a request cannot be executed.
public enum LicensingError: Error, Sendable, Hashable {
    /// There is no licence with this id.
    case unknownLicense(String)
    /// A member's id must not be empty, and must not contain a colon, which separates it from the title in ``Title``'s
    /// key.
    case invalidMember(String)
}

/// Why the domain cannot be asked.
public enum LicensingError: Error, Sendable, Hashable {
    /// There is no licence with this id.
    case unknownLicense(String)
    /// A member's id is not empty and has no colon, which separates it from the title in ``Title``'s key.
    case invalidMember(String)
}

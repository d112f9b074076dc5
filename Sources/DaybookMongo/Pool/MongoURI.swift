internal import CMongoC

/// A connection string, parsed only as far as needed to report what is wrong with it without showing its secrets.
///
/// https://www.mongodb.com/docs/manual/reference/connection-string/
struct MongoURI {
    private let text: String
    private let scheme: String?
    /// Stand-ins for the URI's credentials with the same shape: some mechanisms require a user, and some refuse a
    /// password.
    private let credentials: String
    private let hosts: Substring
    /// The database and the options: from the first `/` or `?` on.
    private let rest: Substring
    /// Whether the text before the hosts has an `@` of its own. The driver takes the first one for the end of the
    /// password, and the rest of the password for a part of a host, which its later messages quote.
    private let hasStrayAt: Bool

    init(_ text: String) {
        self.text = text
        scheme = ["mongodb://", "mongodb+srv://"].first(where: text.hasPrefix)
        let body = text.dropFirst(scheme?.count ?? 0)
        let end = body.firstIndex { $0 == "/" || $0 == "?" } ?? body.endIndex
        let authority = body[..<end]
        let at = authority.lastIndex(of: "@")
        hosts = at.map { authority[authority.index(after: $0)...] } ?? authority
        credentials = at.map { authority[..<$0].contains(":") ? "u:p@" : "u@" } ?? ""
        rest = body[end...]
        hasStrayAt = authority.count { $0 == "@" } > 1
    }

    /// The driver's URI. The driver's warnings about its options are logged.
    ///
    /// - Throws: ``MongoError`` `invalidConfiguration`, without any part of the URI that may be secret.
    func parse() throws(MongoError) -> OpaquePointer {
        let result: OpaquePointer = daybook_result_new()
        defer { daybook_result_destroy(result) }
        if !hasStrayAt, let uri = Driver.quietly({ daybook_uri_new(text, result) }) {
            if isHarmless { _ = Self.fault(in: harmless) }
            return uri
        }
        throw MongoError(.invalidConfiguration, "the MongoDB URI cannot be used: \(reason)")
    }

    private var reason: String {
        guard let scheme else { return "it must begin with mongodb:// or mongodb+srv://" }
        guard !hasStrayAt else { return "user and password must be percent-encoded: an @ in them is written %40" }
        // The text in place of a host may be a password whose host was forgotten, so it is never quoted.
        guard Driver.quietly({ Self.fault(in: scheme + hosts) }) == nil else {
            return
                "its hosts cannot be read; they are written host:port, separated by commas, and user and password "
                + "before them must be percent-encoded"
        }
        guard isHarmless else { return "user, password and option values must be percent-encoded" }
        return Self.fault(in: harmless) ?? "user and password must be percent-encoded"
    }

    /// Whether the text after the hosts cannot contain a part of a password: a password that was not encoded would
    /// leave an `@` there.
    private var isHarmless: Bool { !rest.contains("@") }

    /// The URI with stand-ins for the credentials, and without options whose values may be secret.
    private var harmless: String {
        let start = (scheme ?? "") + credentials + hosts
        guard let question = rest.firstIndex(of: "?") else { return start + rest }
        let options = rest[rest.index(after: question)...].split(separator: "&", omittingEmptySubsequences: false)
            .filter {
                option in
                let name = option.prefix { $0 != "=" }.lowercased()
                return !name.contains("password") && name != "authmechanismproperties"
            }
        return start + rest[...question] + options.joined(separator: "&")
    }

    private static func fault(in text: String) -> String? {
        let result: OpaquePointer = daybook_result_new()
        defer { daybook_result_destroy(result) }
        guard let uri = daybook_uri_new(text, result) else { return String(cString: daybook_result_message(result)) }
        daybook_uri_destroy(uri)
        return nil
    }
}

internal import CMongoC

/// A connection string, taken apart only as far as it takes to say what is wrong with it without saying what is secret in it.
///
/// https://www.mongodb.com/docs/manual/reference/connection-string/
struct MongoURI {
    private let scheme: String?
    private let hosts: Substring
    /// From the `/` on: database and options.
    private let rest: Substring

    init(_ text: String) {
        scheme = ["mongodb://", "mongodb+srv://"].first(where: text.hasPrefix)
        let body = text.dropFirst(scheme?.count ?? 0)
        // A password may hold an "@" or a "/" that should have been encoded: the last "@" ends it.
        let location = body.lastIndex(of: "@").map { body[body.index(after: $0)...] } ?? body
        let end = location.firstIndex { $0 == "/" || $0 == "?" } ?? location.endIndex
        hosts = location[..<end]
        rest = location[end...]
    }

    /// - Throws: ``MongoError`` `invalidConfiguration` when scheme, hosts or options cannot be read.
    func check() throws(MongoError) {
        guard let scheme else { throw Self.unusable("it must begin with mongodb:// or mongodb+srv://") }
        // What stands in the place of a host may be a password whose host was forgotten, so it is never quoted.
        guard Driver.quietly({ Self.fault(in: scheme + hosts) }) == nil else {
            throw Self.unusable(
                "its hosts cannot be read; they are written host:port, separated by commas, behind user:password@ if any")
        }
        if let fault = Self.fault(in: scheme + hosts + withoutSecrets) { throw Self.unusable(fault) }
    }

    /// Database and options, with values that may be secret made harmless.
    private var withoutSecrets: String {
        guard let start = rest.firstIndex(of: "?") else { return String(rest) }
        let options = rest[rest.index(after: start)...].split(separator: "&", omittingEmptySubsequences: false).map { option in
            let name = option.prefix { $0 != "=" }
            let lowercased = name.lowercased()
            return lowercased.contains("password") || lowercased == "authmechanismproperties" ? "\(name)=" : String(option)
        }
        // An empty value is left out: libmongoc warns of it.
        return rest[...start] + options.filter { !$0.hasSuffix("=") }.joined(separator: "&")
    }

    private static func fault(in text: String) -> String? {
        let result: OpaquePointer = daybook_result_new()
        defer { daybook_result_destroy(result) }
        guard let uri = daybook_uri_new(text, result) else { return String(cString: daybook_result_message(result)) }
        daybook_uri_destroy(uri)
        return nil
    }

    private static func unusable(_ reason: String) -> MongoError {
        MongoError(.invalidConfiguration, "the MongoDB URI cannot be used: \(reason)")
    }
}

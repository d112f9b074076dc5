internal import Foundation

/// A URI of one host, taken apart.
package struct ServerAddress {
    /// `user:password` as they stand in the URI, percent-encoded; nil where it has none.
    package var credentials: String?
    package var host: String
    package var options: [String]

    package struct Unusable: Error {}

    package init(_ uri: String) throws {
        guard let rest = uri.range(of: "mongodb://").map({ uri[$0.upperBound...] }) else { throw Unusable() }
        let parts = rest.split(separator: "?", maxSplits: 1)
        guard let authority = parts.first?.split(separator: "/").first, !authority.contains(",") else {
            throw Unusable()
        }
        let at = authority.lastIndex(of: "@")
        credentials = at.map { String(authority[..<$0]) }
        host = at.map { String(authority[authority.index(after: $0)...]) } ?? String(authority)
        options = parts.count > 1 ? parts[1].split(separator: "&").map(String.init) : []
    }

    package var port: UInt16 {
        get throws {
            guard let text = host.split(separator: ":").last, let port = UInt16(text) else { throw Unusable() }
            return port
        }
    }

    package var uri: String {
        "mongodb://\(credentials.map { "\($0)@" } ?? "")\(host)/?\(options.joined(separator: "&"))"
    }

    /// The same server for a user that `database` knows. Neither name nor password has a character that a URI would
    /// have encoded.
    package func signingIn(_ user: String, _ password: String, knownTo database: String) -> ServerAddress {
        var copy = self
        copy.credentials = "\(user):\(password)"
        copy.options.removeAll {
            $0.lowercased().hasPrefix("authsource=") || $0.lowercased().hasPrefix("authmechanism=")
        }
        copy.options.append("authSource=\(database)")
        return copy
    }
}

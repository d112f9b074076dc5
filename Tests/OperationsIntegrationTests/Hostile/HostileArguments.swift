import DaybookBSON
import IntegrationSupport

/// Command lines with arguments as people and scripts mistype them, by the values of a seed.
struct HostileArguments {
    var values: HostileValues
    /// Ids of aggregates that are there, or nearly.
    var ids: [String]

    private mutating func id() -> String {
        values.chance(8) ? values.pick(Self.ids) ?? "" : values.pick(ids) ?? "license/1"
    }

    private static let ids = [
        "license/", "/", "license", "member/\u{1}", "book/1", "license/" + String(repeating: "x", count: 300),
        "license/e\u{301}",
        "title/m-1:t-1", "", "LICENSE/1",
    ]

    private static let numbers = [
        "0", "1", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e300", "nan", "inf",
        "-0", "",
        "٣", "2147483648", "0x10", "1.5", String(repeating: "9", count: 400), "4294967296",
    ]
    private static let rates = ["1e-300", "5e-324", "1e300", "nan", "inf", "-1", "0", "100000"]
    private static let dates = [
        "2025-06-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "0000-00-00T00:00:00Z",
        "2025-02-30T00:00:00Z",
        "+292278994-08-17T07:12:55Z", "2025-06-01", "now", "", "2025-06-01T00:00:00.123456789Z", "2025-06-01T23:59:60Z",
        String(repeating: "2", count: 1_000), "-0001-01-01T00:00:00Z",
    ]

    private mutating func number() -> String { values.pick(Self.numbers) ?? "0" }

    private mutating func filter() throws -> String {
        let value = (try? values.value().extendedJSON(.canonical)) ?? "1"
        return values.pick([
            "{}", "{", "null", "[]", #"{"state.renewals": {"$gte": \#(value)}}"#, #"{"version": \#(value)}"#,
            #"{"$where": "1"}"#,
            #"{"state": {"$regex": "(((("}}"#, "{\"$and\": []}", #"{"_id": {"$in": \#(value)}}"#,
            #"{"state.\u0000": 1}"#,
            String(repeating: #"{"$nor":["#, count: 300) + "{}" + String(repeating: "]}", count: 300),
            #"{"a": {"$date": \#(value)}}"#,
            #"{"$expr": {"$divide": [1, 0]}}"#,
        ]) ?? "{}"
    }

    private mutating func option(_ name: String, _ value: String) -> [String] {
        values.chance(2) ? [] : ["\(name)=\(value)"]
    }

    private mutating func flag(_ name: String) -> [String] { values.chance(2) ? [] : [name] }

    /// Commands that only look, of both programs.
    mutating func reads() throws -> [(program: String, arguments: [String])] {
        let type = values.pick(["license", "member", "title", "book", "", "License"]) ?? "license"
        let scope = option("--type", type) + option("--workers", number()) + flag("--json")
        let shared: [[String]] = [
            ["stats"] + flag("--json"),
            ["history", id()] + option("--from", number()) + option("--to", number()) + flag("--json"),
            ["history", id()], ["tail"] + option("--lines", number()) + flag("--json"), ["tail", "--lines", "1000"],
            ["runs"] + option("--limit", number()) + flag("--json"), ["runs"], ["runs", "--json"],
            ["doctor"] + flag("--json"), ["subscriptions", "list"] + flag("--json"),
            ["subscriptions", "verify", values.pick(["member-overview", "x", ""]) ?? "x"] + flag("--json"),
            ["subscriptions", "show", "member-overview"], ["dead-letters", "list"] + flag("--json"),
            ["dead-letters", "show", "member-overview", id()], ["projections", "list"] + flag("--json"),
            ["view", "member-overview", try filter()] + option("--limit", number()) + option("--sort", try filter())
                + flag("--json"),
            ["verify"] + scope, ["verify", "--json"], ["verify", "--id", id()], ["export"] + option("--type", type),
        ]
        let own: [[String]] = [
            ["show", id()]
                + (values.chance(2) ? option("--version", number()) : option("--at", values.pick(Self.dates) ?? "")),
            ["show", id()] + flag("--json"), ["explain", id()] + flag("--json"), ["verify", "--quick"],
            ["query", type, try filter()] + option("--limit", number()) + option("--sort", try filter())
                + flag("--json"),
            ["query", "license", "{}"] + flag("--json"), ["patch", "--dry-run"] + flag("--json"),
            ["rebuild", "--dry-run"] + option("--rate", values.pick(Self.rates) ?? "1"),
            ["init", "--roles", "--dry-run"],
            ["license", key(id())] + option("--as-of", values.pick(Self.dates) ?? "") + option("--version", number()),
            ["member", values.pick(["m-1", "m-2", "m-3", "", "m:1"]) ?? "m-1"],
            ["licenses"] + option("--limit", number()) + option("--renewed-at-least", number()),
            ["licenses", try filter()] + flag("--count"), try correction() + ["--dry-run"],
        ]
        return shared.map { (values.chance(2) ? "daybook" : "licensing", $0) } + own.map { ("licensing", $0) }
    }

    private func key(_ id: String) -> String { String(id.split(separator: "/", maxSplits: 1).last ?? "") }

    private mutating func correction() throws -> [String] {
        let value = (try? values.value().extendedJSON(.canonical)) ?? "1"
        let deep = Array(repeating: "x", count: values.pick([1, 150, 200, 5_000]) ?? 1).joined(separator: ".")
        let path =
            values.pick(["plays", "renewals", "expiresAt", "sessions", "downloads", "open.0", "$set", "a..b", "", deep])
            ?? "plays"
        return ["correct", id(), "--set=\(path)=\(value)", "--reason=r", "--actor=a"]
    }

    /// Commands that may write: each may be refused, and none may take the program down.
    mutating func writes() throws -> [[String]] {
        let license = key(id())
        let date = values.pick(Self.dates) ?? ""
        return [
            try correction(), ["renew", license] + option("--at", date) + option("--expecting", number()),
            ["downloaded", license], ["release", license, "--reason", "r"], ["expire", license] + option("--at", date),
            [
                "sessions", license,
                #"[{"id": "00000000-0000-4000-8000-000000000001", "kind": "started", "occurredAt": "\#(date)"}]"#,
            ],
            ["correct-expiry", license, "--to", date, "--reason", "r", "--operator", "o"],
            ["correct-downloads", "m-1", "t-1", "--count=\(number())", "--reason", "r", "--operator", "o"],
            ["plan", "m-1", "premium"], ["remove-device", "m-2", "phone"],
            ["acquire", "--member", "m-1", "--device", "d", "--title", "t-9", "--studio", "s"] + option("--at", date),
            ["init"],
        ]
    }
}

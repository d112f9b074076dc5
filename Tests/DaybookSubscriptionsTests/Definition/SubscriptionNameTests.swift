import Daybook
import DaybookSubscriptions
import Testing

@Suite("SubscriptionName")
struct SubscriptionNameTests {
    @Test(
        "is a text of small letters, digits and hyphens that begins with a letter",
        arguments: [
            "a", "member-overview", "a1-", String(repeating: "a", count: 64),
        ])
    func valid(text: String) throws {
        let name = try SubscriptionName(text)
        #expect(name.rawValue == text && name.description == text)
    }

    @Test(
        "is refused otherwise: it is part of collections' names",
        arguments: [
            "", "A", "1a", "-a", "a.b", "a/b", "a b", "\u{E4}", "a$", "a\0", String(repeating: "a", count: 65),
        ])
    func invalid(text: String) {
        let error = #expect(throws: DaybookError.self) { try SubscriptionName(text) }
        #expect(error?.code == .invalidArgument)
    }

    @Test("is ordered by bytes, and equal to a literal of the same text")
    func order() throws {
        #expect(
            try ["b", "a-", "a", "a1"].map(SubscriptionName.init).sorted().map(\.rawValue) == ["a", "a-", "a1", "b"])
        let text = "member-overview"
        #expect(try SubscriptionName(text) == "member-overview")
    }
}

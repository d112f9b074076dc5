import DaybookMongo
import Testing

@Suite("Namespace")
struct NamespaceTests {
    @Test("names that Swift calls the same text are two where their bytes differ")
    func bytes() throws {
        let names = ("x\u{897}\u{334}", "x\u{334}\u{897}")
        try #require(names.0 == names.1)
        let (one, other) = (
            Namespace(database: "d", collection: names.0), Namespace(database: "d", collection: names.1)
        )
        #expect(one != other)
        #expect(Dictionary(grouping: [one, other, one], by: \.self).values.map(\.count).sorted() == [1, 2])
        #expect(Namespace(database: names.0, collection: "c") != Namespace(database: names.1, collection: "c"))
        #expect(one == Namespace(database: "d", collection: names.0))
    }
}

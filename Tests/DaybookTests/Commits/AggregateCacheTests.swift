@testable import Daybook
import Foundation
import Testing

@Suite("AggregateCache")
struct AggregateCacheTests {
    private let now = ContinuousClock.now

    private func entry(_ key: String, version: Int64 = 1, bytes: Int = 1_000, age: Duration = .zero) throws
        -> AggregateCache.Entry<Parcel>
    {
        var fold = Fold<Parcel>(try AggregateID("parcel", key: key))
        fold.version = version
        let loaded = Loaded(fold: fold, basis: .read(nil), stateBytes: bytes)
        return try #require(.init(loaded, readAt: now - age))
    }

    private func id(_ key: String) throws -> AggregateID { try AggregateID("parcel", key: key) }

    @Test("taking an entry removes it from the cache, and finding it does not")
    func taken() throws {
        let cache = AggregateCache(maximumBytes: 1 << 20)
        cache.put(try entry("a", version: 3))
        #expect(cache.find(try id("a"), Parcel.self)?.loaded.fold.version == 3)
        #expect(cache.take(try id("a"), Parcel.self)?.loaded.fold.version == 3)
        #expect(cache.take(try id("a"), Parcel.self) == nil)
        #expect(cache.find(try id("b"), Parcel.self) == nil)
    }

    @Test("an entry that comes late does not replace a later version")
    func order() throws {
        let cache = AggregateCache(maximumBytes: 1 << 20)
        cache.put(try entry("a", version: 5))
        cache.put(try entry("a", version: 4))
        #expect(cache.find(try id("a"), Parcel.self)?.loaded.fold.version == 5)
        cache.put(try entry("a", version: 6))
        #expect(cache.find(try id("a"), Parcel.self)?.loaded.fold.version == 6)
    }

    @Test("an entry that was read too long ago is not returned")
    func age() throws {
        let cache = AggregateCache(maximumBytes: 1 << 20)
        cache.put(try entry("a", age: AggregateCache.lifetime))
        #expect(cache.find(try id("a"), Parcel.self) == nil)
        #expect(cache.take(try id("a"), Parcel.self) == nil)
    }

    @Test("the cache holds no more than its limit, and the latest of that")
    func bounded() throws {
        let limit = 1 << 20
        let cache = AggregateCache(maximumBytes: limit)
        let keys = (0..<10_000).map { "k-\($0)" }
        for key in keys { cache.put(try entry(key)) }
        let held = try keys.filter { cache.find(try id($0), Parcel.self) != nil }
        #expect(held.count * 1_000 <= limit)
        #expect(held.count > 100)
        #expect(held.contains(keys[9_999]))
        #expect(!held.contains(keys[0]))
    }

    @Test("entries that are used stay while others come and go")
    func used() throws {
        let cache = AggregateCache(maximumBytes: 1 << 20)
        cache.put(try entry("hot"))
        for number in 0..<5_000 {
            cache.put(try entry("k-\(number)"))
            let hot = try #require(cache.take(try id("hot"), Parcel.self))
            cache.put(hot.loaded, readAt: hot.readAt)
        }
    }

    @Test("the cache keeps no state that is too large, and nothing with a limit of 0")
    func tooLarge() throws {
        let cache = AggregateCache(maximumBytes: 1 << 20)
        cache.put(try entry("a", bytes: 1 << 20))
        #expect(cache.find(try id("a"), Parcel.self) == nil)
        let none = AggregateCache(maximumBytes: 0)
        none.put(try entry("a", bytes: 0))
        #expect(none.find(try id("a"), Parcel.self) == nil)
    }

    @Test("an aggregate without events, or of unknown size, is not cached, and removes its earlier entry")
    func unkept() throws {
        let cache = AggregateCache(maximumBytes: 1 << 20)
        let known = try entry("a").loaded
        var unmeasured = known
        unmeasured.stateBytes = nil
        let empty = Loaded(fold: Fold<Parcel>(try id("a")), basis: .read(nil), stateBytes: 5)
        for loaded in [unmeasured, empty] {
            cache.put(known, readAt: now)
            #expect(cache.find(try id("a"), Parcel.self)?.loaded.basis.isCached == true)
            cache.put(loaded, readAt: now)
            #expect(cache.find(try id("a"), Parcel.self) == nil)
        }
    }
}

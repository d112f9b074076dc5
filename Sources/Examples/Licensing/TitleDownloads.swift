public import Daybook
public import DaybookSubscriptions
internal import Foundation

/// How often a title was downloaded in a month, by all members, in `views.title-downloads`. The key is
/// `<title>/<yyyy-MM>`, the month in UTC.
///
/// A download is counted in the month in which it was made. A correction changes how many downloads count against one
/// member's limit, and not what was downloaded, so it changes no document.
public enum TitleDownloads: Projection {
    /// The state of one document.
    public struct Document: Queryable, Equatable {
        /// How many downloads there were.
        public internal(set) var count = 0

        /// The field that months are found by.
        public static let fields: [Field<Document>] = [Field("count", \.count, indexed: true)]

        /// A month without downloads.
        public init() {}
    }

    /// `title-downloads`
    public static let name: SubscriptionName = "title-downloads"

    /// The events of titles: one aggregate for each member and title.
    public static var sources: [EventSource<TitleDownloads>] {
        [
            .events(of: Title.self, key: { key(of: $0) }) { _, document in document.count = document.count.next }
        ]
    }

    private static func key(of event: RecordedEvent<Title>) -> String? {
        guard case .downloadCounted(_, let date, _) = event.event else { return nil }
        return "\(Title.title(inKey: event.aggregateID.key))/\(date.formatted(.iso8601.year().month()))"
    }
}

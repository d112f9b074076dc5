internal import Daybook
package import DaybookMongo
internal import DaybookBSON
internal import Foundation

/// Where a subscription keeps what it has made and how far it has come: in use, or built beside that.
package struct SubscriptionStorage: Sendable, Hashable {
    package let name: SubscriptionName
    /// What it is about.
    package enum Place: Sendable, Hashable {
        /// The collections in use, and the progress of the processes that keep them.
        case live
        /// The collections that are built beside those in use, and the progress of the build.
        case beside
        /// The collections in use, and the progress of a build that makes them again.
        case inPlace
    }

    package let place: Place
    private let database: String

    package init(_ name: SubscriptionName, _ place: Place = .live, in database: String) {
        self.name = name
        self.place = place
        self.database = database
    }

    package var postings: Namespace { namespace(CollectionName.postings(of: name.rawValue)) }
    package var view: Namespace { namespace(CollectionName.view(of: name.rawValue)) }
    var checkpoints: Namespace { Namespace(database: database, collection: ControlCollection.checkpoints.rawValue) }

    private func namespace(_ name: String) -> Namespace {
        Namespace(database: database, collection: place == .beside ? CollectionName.build(of: name) : name)
    }

    /// The name of a partition's lease, and of its checkpoint.
    func partitionName(_ partition: Int) -> String {
        "subscription.\(name).\(place == .live ? "" : "build.")\(partition)"
    }
}

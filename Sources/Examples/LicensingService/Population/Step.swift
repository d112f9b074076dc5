internal import Daybook
internal import Foundation
internal import Licensing

/// One request of a story, with its result.
struct Step: Sendable {
    var action: Action
    var member: String
    var number: Int
    var time: Date
    /// The seed of the random numbers of its commit.
    var seed: UInt64
    var outcome: Result<Action.Reply, Refusal>

    /// Executes the request.
    static func perform<Store>(
        _ action: Action, member: String, number: Int, at time: Date, seed: UInt64,
        in licensing: LicensingApplication<Store>
    ) async throws -> Result<Action.Reply, Refusal> {
        let key = "seed-\(member)-\(number)"
        let actor = action.isOperators ? "operator-\(seed % 5 + 1)" : member
        let request = Request(key: key, context: CommandContext(correlationID: key, actor: actor), at: time)
        do {
            return .success(try await action.perform(for: member, by: actor, in: licensing, request))
        } catch let refusal as Refusal {
            return .failure(refusal)
        }
    }
}

import Daybook
import Foundation
import IntegrationSupport
import Testing

/// A process that commits without end (`Tests/CommitWriter`), and that a test kills.
enum CommitWriter {
    enum Work: String, CaseIterable, Sendable {
        /// Five events of one account at a time.
        case alone
        /// Five events each of three accounts, in one transaction.
        case together

        var eventsPerCommit: Int { self == .alone ? 5 : 15 }

        /// The accounts that it works at.
        func keys(_ key: String) -> [String] {
            (1...(self == .alone ? 1 : 3)).map { "\(key)-\($0)" }
        }
    }

    /// What it had said when it died: the command ids of its commits.
    struct LastWords: Sendable {
        var begun: [String] = []
        var done: [String] = []
        /// Whether it died in the middle of a commit.
        var wasCommitting: Bool { begun.count > done.count }
    }

    /// Starts one that works at the accounts ``Work/keys(_:)``, and kills it at some moment of its work.
    static func kill(_ work: Work, in store: DaybookStore, key: String) async throws -> LastWords {
        let child = try ChildProcess(
            executable, [store.database, work.rawValue, key], input: "\(store.configuration.uri)\n")
        var words = LastWords()
        var isReady = false
        for await line in child.lines {
            let parts = line.split(separator: " ").map(String.init)
            switch parts.first {
            case "begun": words.begun.append(parts[1])
            case "done": words.done.append(parts[1])
            case "ready":
                isReady = true
                // The moment of the crash; nothing is waited for.
                try await Task.sleep(for: .microseconds(Int.random(in: 0...60_000)))
                child.kill()
            default: Issue.record("the writer said \(line)")
            }
        }
        #expect(isReady)
        let ending = await child.ending()
        #expect(ending == .killed(signal: SIGKILL), "the writer ended by itself")
        return words
    }

    /// Starts one that commits to the account `key` of the lifecycle async, and kills itself between a commit and its
    /// snapshot.
    static func dieBehind(in store: DaybookStore, key: String) async throws -> LastWords {
        let child = try ChildProcess(
            executable, [store.database, "behind", key], input: "\(store.configuration.uri)\n")
        var words = LastWords()
        for await line in child.lines {
            let parts = line.split(separator: " ").map(String.init)
            switch parts.first {
            case "begun": words.begun.append(parts[1])
            case "done": words.done.append(parts[1])
            default: Issue.record("the writer said \(line)")
            }
        }
        let ending = await child.ending()
        #expect(ending == .killed(signal: SIGKILL), "the writer ended by itself")
        return words
    }

    /// Starts one that makes random requests of the licensing domain, and kills it after so many.
    static func killLicensing(after requests: Int, in store: DaybookStore, key: String) async throws {
        let child = try ChildProcess(
            executable, [store.database, "licensing", key], input: "\(store.configuration.uri)\n")
        var done = 0
        for await _ in child.lines {
            done += 1
            if done == requests { child.kill() }
        }
        #expect(done >= requests, "the writer ended by itself")
        let ending = await child.ending()
        #expect(ending == .killed(signal: SIGKILL))
    }

    private static var executable: URL { builtExecutable("CommitWriter") }
}

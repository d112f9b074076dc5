import Daybook
import Foundation
import IntegrationSupport

/// Commits without end, until someone kills it: `CommitWriter DATABASE alone|together|behind|licensing KEY`, with the
/// server's URI on standard input, because arguments are for every user of the machine to see.
///
/// `alone` appends five events at a time to the account `KEY-1`; `together` five to each of `KEY-1`, `KEY-2` and
/// `KEY-3`, in one transaction. Each commit has a command id. `behind` appends one event or two to the account `KEY` of
/// the lifecycle async, and kills itself between a commit and its snapshot. It writes `begun ID` before and `done ID`
/// after each commit, `ready` after the first, and stops when nobody reads that. `licensing` is ``LicensingWork``.
@main
struct CommitWriter {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, ["alone", "together", "behind", "licensing"].contains(arguments[2]) else {
            throw Misuse(description: "usage: CommitWriter DATABASE alone|together|behind|licensing KEY")
        }
        let (isAlone, isBehind, key) = (arguments[2] == "alone", arguments[2] == "behind", arguments[3])
        let configuration = DaybookConfiguration(uri: readLine() ?? "", database: arguments[1])
        try await withDaybook(configuration) { store in
            if isBehind { return try await commitTallies(in: store, key) }
            if arguments[2] == "licensing" { return try await LicensingWork(store, key: key).run(say) }
            let accounts = store.repository(Account.self)
            let keys = (1...(isAlone ? 1 : 3)).map { "\(key)-\($0)" }
            for number in 1... {
                let commandID = "\(key)-\(number)"
                let deposits = Account.Command.depositEach([1, 2, 3, 4, 5])
                try say("begun \(commandID)")
                if isAlone {
                    try await accounts.execute(deposits, on: keys[0], commandID: commandID)
                } else {
                    try await store.transaction { transaction in
                        for key in keys {
                            try await transaction.execute(deposits, on: key, of: Account.self, commandID: commandID)
                        }
                    }
                }
                try say("done \(commandID)")
                if number == 1 { try say("ready") }
            }
        }
    }

    /// Dies, of every four times once, when the journal has a commit whose snapshot is still to be written.
    private static func commitTallies(in store: DaybookStore, _ key: String) async throws {
        let tallies = store.repository(Tally.self)
        for number in 1... {
            let commandID = "\(key)-\(number)"
            try say("begun \(commandID)")
            try await tallies.execute(
                number.isMultiple(of: 3) ? .depositEach([1, 2]) : .deposit(1), on: key, commandID: commandID)
            if Int.random(in: 1...4) == 1 { kill(getpid(), SIGKILL) }
            try say("done \(commandID)")
        }
    }

    /// Unbuffered: what was said is out before the next commit begins.
    @Sendable private static func say(_ line: String) throws {
        try FileHandle.standardOutput.write(contentsOf: Data("\(line)\n".utf8))
    }

    private struct Misuse: Error, CustomStringConvertible {
        let description: String
    }
}

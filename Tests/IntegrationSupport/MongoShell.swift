internal import DaybookBSON
internal import Foundation

/// Does what a remedy says to type into mongosh: the few methods that remedies use, with their arguments read as
/// extended JSON.
package struct MongoShell {
    let database: RawDatabase

    package init(database: RawDatabase) {
        self.database = database
    }

    struct Unreadable: Error { let line: String }

    package func type(_ line: String) async throws {
        let (quoted, arguments) = (#""((?:[^"\\]|\\.)*)""#, #"\((.*)\)$"#)
        let onDatabase = try Regex<(Substring, Substring, Substring)>(
            #"^db\.getSiblingDB\(\#(quoted)\)\.runCommand\#(arguments)"#)
        let onCollection = try Regex<(Substring, Substring, Substring, Substring, Substring)>(
            #"^db\.getSiblingDB\(\#(quoted)\)\.getCollection\(\#(quoted)\)\.(\w+)\#(arguments)"#)
        if let match = line.wholeMatch(of: onDatabase) {
            guard match.1 == database.name, case .document(let command) = try values(match.2).first else {
                throw Unreadable(line: line)
            }
            _ = try await database.write(command)
        } else if let match = line.wholeMatch(of: onCollection) {
            guard match.1 == database.name else { throw Unreadable(line: line) }
            try await call(String(match.3), on: String(match.2), try values(match.4), line)
        } else {
            throw Unreadable(line: line)
        }
    }

    private func call(_ method: String, on collection: String, _ arguments: [BSONValue], _ line: String) async throws {
        switch (method, arguments.count) {
        case ("drop", 0):
            _ = try await database.write(["drop": .string(collection)])
        case ("dropIndex", 1):
            _ = try await database.write(["dropIndexes": .string(collection), "index": arguments[0]])
        case ("createIndex", 2):
            guard case .document(var index) = arguments[1] else { throw Unreadable(line: line) }
            try index.append("key", arguments[0])
            _ = try await database.write(["createIndexes": .string(collection), "indexes": [.document(index)]])
        case ("renameCollection", 1):
            guard case .string(let name) = arguments[0] else { throw Unreadable(line: line) }
            _ = try await database.write(
                [
                    "renameCollection": .string("\(database.name).\(collection)"),
                    "to": .string("\(database.name).\(name)"),
                ],
                database: "admin")
        case ("aggregate", 1):
            _ = try await database.write(["aggregate": .string(collection), "pipeline": arguments[0], "cursor": [:]])
        default:
            throw Unreadable(line: line)
        }
    }

    private func values(_ text: Substring) throws -> [BSONValue] {
        guard case .array(let values) = try BSONDocument(extendedJSON: "{\"values\": [\(text)]}")["values"] else {
            return []
        }
        return values
    }
}

@testable import Daybook
import DaybookBSON
import Testing

@Suite("Roles of least privilege")
struct RoleDefinitionTests {
    private static let changing: Set<RoleDefinition.Action> = [
        .update, .remove, .collMod, .createCollection, .createIndex, .dropCollection, .dropIndex,
        .renameCollectionSameDB,
    ]

    private func roles() throws -> [RoleDefinition.Name: RoleDefinition] {
        let roles = try DatabasePlan(database: "shop", aggregates: [Parcel.self, Vault.self]).roles
        return Dictionary(uniqueKeysWithValues: roles.map { ($0.name, $0) })
    }

    private func actions(_ role: RoleDefinition?, _ collection: String?) -> Set<RoleDefinition.Action> {
        role?.privileges.first { $0.collection == collection }?.actions ?? []
    }

    @Test("there are three roles, each once")
    func names() throws {
        let roles = try DatabasePlan(database: "shop", aggregates: [Parcel.self]).roles
        #expect(roles.map(\.name.rawValue) == ["daybookApplication", "daybookReader", "daybookOperator"])
        for role in roles {
            #expect(role.database == "shop")
            #expect(Set(role.privileges.map(\.collection)).count == role.privileges.count, "a collection is there once")
        }
    }

    @Test("no role may change an event, or make, change or drop the journal", arguments: RoleDefinition.Name.allCases)
    func journal(name: RoleDefinition.Name) throws {
        let role = try #require(try roles()[name])
        for action in Self.changing { #expect(!role.allows(action, on: "journal"), "\(action)") }
        #expect(role.allows(.find, on: "journal"))
        #expect(role.allows(.listIndexes, on: "journal"))
        let following: Set<RoleDefinition.Action> = name == .reader ? [] : [.find, .changeStream]
        #expect(
            actions(role, nil) == following.union([.listCollections]), "nothing else goes for the whole database")
    }

    @Test("the application appends, follows and keeps snapshots, and nothing else")
    func application() throws {
        let role = try roles()[.application]
        #expect(
            role?.privileges.map(\.collection) == [
                "journal", "snapshots.parcel", "snapshots.vault", "daybook.leases", "daybook.checkpoints",
                "daybook.runs", "daybook.marks", "daybook.subscriptions", "daybook.deadLetters", nil,
            ])
        #expect(actions(role, "journal") == [.find, .insert, .listIndexes, .killCursors])
        for collection in [
            "snapshots.parcel", "snapshots.vault", "daybook.leases", "daybook.checkpoints", "daybook.marks",
            "daybook.subscriptions", "daybook.deadLetters",
        ] {
            #expect(actions(role, collection) == [.find, .insert, .update, .remove, .listIndexes, .killCursors])
        }
        #expect(actions(role, "daybook.runs") == [.find, .listIndexes, .killCursors])
        #expect(role?.allows(.find, on: "salaries") == true, "who follows a database may read all of it")
        #expect(role?.allows(.insert, on: "salaries") == false)
        #expect(role?.allows(.listCollections, on: "salaries") == true)
    }

    @Test("a reader reads")
    func reader() throws {
        let role = try roles()[.reader]
        #expect(
            role?.privileges.map(\.collection) == [
                "journal", "snapshots.parcel", "snapshots.vault", "daybook.runs", "daybook.marks", nil,
            ])
        for collection in ["journal", "snapshots.parcel", "snapshots.vault", "daybook.runs", "daybook.marks"] {
            #expect(actions(role, collection) == [.find, .listIndexes, .killCursors])
        }
        #expect(role?.allows(.find, on: "salaries") == false)
    }

    @Test("an operator may all that the application may, and remake snapshots")
    func operatorRole() throws {
        let (application, role) = (try #require(try roles()[.application]), try #require(try roles()[.operator]))
        for privilege in application.privileges {
            #expect(privilege.actions.isSubset(of: actions(role, privilege.collection)))
        }
        #expect(actions(role, "journal") == actions(application, "journal"))
        let collections = ["snapshots.parcel", "snapshots.vault"].flatMap {
            [$0] + DatabasePlan.rebuildCollections(of: $0)
        }
        #expect(collections.count == 6)
        for collection in collections {
            #expect(Self.changing.isSubset(of: actions(role, collection)))
        }
        #expect(actions(role, "daybook.runs") == [.find, .insert, .update, .remove, .listIndexes, .killCursors])
        #expect(actions(application, "daybook.runs").isDisjoint(with: Self.changing.union([.insert])))
    }

    @Test("the command and the script are the role")
    func documents() throws {
        let role = try #require(try DatabasePlan(database: "shop", aggregates: []).roles.first { $0.name == .reader })
        let expected: BSONDocument = [
            "createRole": "daybookReader",
            "privileges": [
                [
                    "resource": ["db": "shop", "collection": "journal"],
                    "actions": ["find", "killCursors", "listIndexes"],
                ],
                [
                    "resource": ["db": "shop", "collection": "daybook.runs"],
                    "actions": ["find", "killCursors", "listIndexes"],
                ],
                [
                    "resource": ["db": "shop", "collection": "daybook.marks"],
                    "actions": ["find", "killCursors", "listIndexes"],
                ],
                ["resource": ["db": "shop", "collection": ""], "actions": ["listCollections"]],
            ],
            "roles": [],
        ]
        #expect(role.createRoleCommand == expected)
        #expect(try role.updateRoleCommand.keysWithoutFirst == expected.keysWithoutFirst)
        #expect(role.updateRoleCommand["updateRole"] == "daybookReader")
        let opening = #"db.getSiblingDB("shop").runCommand("#
        #expect(role.script.hasPrefix(opening) && role.script.hasSuffix(")"))
        // What the shell reads is the command again.
        let json = String(role.script.dropFirst(opening.count).dropLast())
        #expect(try BSONDocument(extendedJSON: json) == expected)
    }

    @Test("a role is the same in whatever order a server says what it allows, and with nothing more or less")
    func comparison() throws {
        let role = try #require(try DatabasePlan(database: "shop", aggregates: []).roles.first { $0.name == .reader })
        func described(_ privileges: BSONValue, roles: BSONValue = []) -> BSONDocument {
            ["role": "daybookReader", "db": "shop", "isBuiltin": false, "roles": roles, "privileges": privileges]
        }
        let listing: BSONValue = ["resource": ["db": "shop", "collection": ""], "actions": ["listCollections"]]
        let runs: BSONValue = [
            "resource": ["db": "shop", "collection": "daybook.runs"],
            "actions": ["killCursors", "find", "listIndexes"],
        ]
        let marks: BSONValue = [
            "resource": ["db": "shop", "collection": "daybook.marks"],
            "actions": ["find", "killCursors", "listIndexes"],
        ]
        let reading: BSONValue = [
            "resource": ["collection": "journal", "db": "shop"], "actions": ["listIndexes", "find", "killCursors"],
        ]
        #expect(role.isSame(as: described([listing, marks, runs, reading])))
        #expect(
            role.isSame(
                as: described([
                    listing, marks, runs,
                    ["resource": ["db": "shop", "collection": "journal"], "actions": ["find"]],
                    ["resource": ["db": "shop", "collection": "journal"], "actions": ["killCursors", "listIndexes"]],
                ])))
        let more: BSONValue = [
            "resource": ["collection": "journal", "db": "shop"],
            "actions": ["listIndexes", "find", "killCursors", "remove"],
        ]
        let elsewhere: BSONValue = [
            "resource": ["collection": "journal", "db": "else"], "actions": ["listIndexes", "find", "killCursors"],
        ]
        let everything: BSONValue = ["resource": ["anyResource": true], "actions": ["anyAction"]]
        for privileges in [
            [listing, marks, runs], [marks, runs, reading], [listing, marks, reading], [listing, runs, reading],
            [listing, marks, runs, more], [listing, marks, runs, elsewhere],
            [listing, marks, runs, reading, everything], [],
        ] as [BSONValue] {
            #expect(!role.isSame(as: described(privileges)))
        }
        #expect(
            !role.isSame(as: described([listing, marks, runs, reading], roles: [["role": "readWrite", "db": "shop"]])))
        #expect(!role.isSame(as: ["role": "daybookReader"]))
    }
}

extension BSONDocument {
    fileprivate var keysWithoutFirst: [BSONDocument] {
        get throws { try fields.dropFirst().map { [$0.key: $0.value] } }
    }
}

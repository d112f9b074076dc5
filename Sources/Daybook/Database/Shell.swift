package import DaybookBSON

/// Commands for mongosh.
package enum Shell {
    static func database(_ name: String) -> String { "db.getSiblingDB(\(quoted(name)))" }

    package static func collection(_ name: String, in database: String) -> String {
        "\(self.database(database)).getCollection(\(quoted(name)))"
    }

    static func command(_ command: BSONDocument, in database: String) -> String {
        "\(self.database(database)).runCommand(\(json(command)))"
    }

    /// mongosh can read extended JSON if no value in it lacks a JSON form, and a definition has only values that do
    /// not.
    package static func json(_ document: BSONDocument) -> String {
        (try? document.extendedJSON(.relaxed)) ?? "(not readable)"
    }

    package static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _
            where scalar.value < 0x20 || scalar.value == 0x7F || scalar.value == 0x2028 || scalar.value == 0x2029:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

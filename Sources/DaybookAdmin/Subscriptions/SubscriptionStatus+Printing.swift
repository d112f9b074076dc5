internal import Daybook
internal import DaybookBSON
internal import DaybookSubscriptions

extension SubscriptionStatus {
    /// What the list has of it, as JSON.
    var document: BSONDocument {
        get throws {
            [
                "name": .string(name), "kind": .string(kind), "delivery": .string(delivery),
                "behind": .int64(Int64(behind)), "lagSeconds": .double(Text.roundedSeconds(lagSeconds)),
                "parked": .int64(Int64(parked)), "isPaused": .bool(isPaused), "status": .string(state),
                EventKey.version: .int32(version), "types": .array(types.map { .string($0.rawValue) }),
                "processes": .int64(Int64(holders.count)),
            ]
        }
    }

    /// The same with the pause, the processes and the changes.
    var wholeDocument: BSONDocument {
        get throws {
            var document = try document
            if let pause {
                var fields: BSONDocument = ["by": .string(pause.by), "why": .string(pause.why)]
                try fields.append("at", ifPresent: pause.at.map { .datetime(try BSONDate($0)) })
                try document.append("pause", .document(fields))
            }
            try document.append("holders", .array(holders.map { .string($0) }))
            let changes = try changes.map { change -> BSONValue in
                var fields: BSONDocument = [
                    "what": .string(change.what), "by": .string(change.by), "why": .string(change.why),
                ]
                try fields.append("at", ifPresent: change.at.map { .datetime(try BSONDate($0)) })
                try fields.append(EventKey.aggregateID, ifPresent: change.aggregateID.map { .string($0) })
                return .document(fields)
            }
            try document.append("changes", .array(changes))
            return document
        }
    }

    /// A row of the list.
    var row: [String] {
        [
            name, kind, delivery, "\(behind)", lag, "\(parked)", "\(holders.count)", isPaused ? "paused" : state,
        ].map(Text.plain)
    }

    /// Everything, for people.
    var lines: [String] {
        var rows = [
            ["name", name], ["kind", "\(kind), \(delivery), version \(version)"],
            ["events of", types.map(\.rawValue).joined(separator: ", ")], ["status", isPaused ? "paused" : state],
            ["behind", behind == 0 ? "nothing" : "\(Text.counted(behind, "aggregate")), by \(lag)"],
            ["parked", parked == 0 ? "none" : Text.counted(parked, "aggregate")],
        ]
        if let pause {
            let since = pause.at.map { " since \($0.rfc3339)" } ?? ""
            rows.append(["paused", "by \(pause.by)\(since): \(pause.why)"])
        }
        rows.append(["processes", holders.isEmpty ? "none" : holders.joined(separator: ", ")])
        for change in changes.reversed() {
            let about = change.aggregateID.map { " of \($0)" } ?? ""
            rows.append([
                "changed",
                "\(change.at?.rfc3339 ?? "?")  \(change.what)\(about), by \(change.by)"
                    + (change.why.isEmpty ? "" : ": \(change.why)"),
            ])
        }
        return Text.table(rows.map { $0.map(Text.plain) })
    }

    private var lag: String { Text.span(lagSeconds) }
}

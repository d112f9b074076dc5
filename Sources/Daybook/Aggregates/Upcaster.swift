public import DaybookBSON

/// How the stored form of an old event becomes a newer one when it is read. The journal itself never changes.
///
/// An aggregate declares its upcasters. Each is one step, and steps are applied one after another until the event is
/// one that the aggregate's `Event` has now.
///
/// ```swift
/// static let upcasters: [Upcaster] = [
///     .transform("renewed", from: 1) { (old: RenewedInDays) in
///         Renewed(expiresAt: old.at.addingTimeInterval(old.days * 86_400))
///     },
///     .rename("extended", to: "renewed"),
///     .retire("pinged"),
/// ]
/// ```
///
/// New events of a type are written in the schema after the type's last step: with `.transform("renewed", from: 1)`
/// above, in schema 2.
public struct Upcaster: Sendable {
    enum Step: Sendable {
        /// The same type, in the next schema.
        case transform(@Sendable (BorrowedDocument) throws -> BSONDocument)
        case rename(to: String, schema: Int32)
        /// Retires the schemas up to this one; nil for all.
        case retire(through: Int32?)
    }

    let type: String
    let schema: Int32
    let step: Step

    /// Transforms the decoded payload of an event from `schema` to the next one.
    ///
    /// - Parameters:
    ///   - type: The stored type: the case's name.
    ///   - convert: Pure, as `apply` is. `Old` and `New` encode as the payload does: as a document with the case's
    ///     labels as its fields.
    public static func transform<Old: Decodable & SendableMetatype, New: Encodable & SendableMetatype>(
        _ type: String, from schema: Int32, _ convert: @escaping @Sendable (Old) throws -> New
    ) -> Upcaster {
        let (encoder, decoder) = (BSONEncoder(), BSONDecoder())
        return Upcaster(
            type: type, schema: schema,
            step: .transform { try encoder.encode(convert(decoder.decode(Old.self, from: $0))) })
    }

    /// Transforms the stored payload of an event from `schema` to the next one.
    public static func transform(
        _ type: String, from schema: Int32, document convert: @escaping @Sendable (BSONDocument) throws -> BSONDocument
    ) -> Upcaster {
        Upcaster(type: type, schema: schema, step: .transform { try convert(BSONDocument($0)) })
    }

    /// Events of `type` in `schema` are read as events of `newType` in `newSchema`, and further steps apply to them
    /// there.
    public static func rename(
        _ type: String, from schema: Int32 = 1, to newType: String, schema newSchema: Int32 = 1
    ) -> Upcaster {
        Upcaster(type: type, schema: schema, step: .rename(to: newType, schema: newSchema))
    }

    /// Events of `type` no longer mean anything: they keep their versions, do not change the state, and a history shows
    /// them as retired.
    ///
    /// - Parameter schema: The last schema to retire, for when a case of the same name was brought back. All schemas
    ///   unless given.
    public static func retire(_ type: String, through schema: Int32? = nil) -> Upcaster {
        // No schema is higher than `.max`, so retiring through it retires all.
        Upcaster(type: type, schema: schema ?? .max, step: .retire(through: schema == .max ? nil : schema))
    }

    /// Whether this step is the next one for an event of `type` in `schema`.
    func applies(to type: String, schema: Int32) -> Bool {
        guard self.type.utf8.elementsEqual(type.utf8) else { return false }
        return switch step {
        case .transform, .rename: self.schema == schema
        case .retire(let last): schema <= last ?? .max
        }
    }
}

extension Sequence<Upcaster> {
    /// The schema that new events of `type` are written in; nil when the type is retired.
    func currentSchema(of type: String) -> Int32? {
        var current: Int32 = 1
        for upcaster in self where upcaster.type.utf8.elementsEqual(type.utf8) {
            if case .retire(through: nil) = upcaster.step { return nil }
            current = Swift.max(current, upcaster.schema &+ 1)
        }
        return current
    }
}

extension [Upcaster] {
    /// What is wrong with a declaration of upcasters; nil when nothing is.
    ///
    /// The faults are: two steps from one place, a type or a schema that no event can have, and steps that lead in a
    /// circle.
    var fault: String? {
        for (index, upcaster) in enumerated() {
            let place = "\"\(upcaster.type)\" in schema \(upcaster.schema)"
            if upcaster.type.isEmpty || Correction.isReserved(upcaster.type) {
                return "an upcaster is for the event type \"\(upcaster.type)\", which no aggregate can have"
            }
            if upcaster.schema < 1 { return "an upcaster is for \(place); schemas begin at 1" }
            if let fault = upcaster.targetFault { return "the upcaster for \(place) \(fault)" }
            // A type that is retired through a schema may have steps from later schemas, but not from that one or
            // earlier ones.
            if self[..<index].contains(where: { $0.overlaps(upcaster) }) { return "two upcasters are for \(place)" }
        }
        for upcaster in self {
            var (type, schema) = (upcaster.type, upcaster.schema)
            for _ in 0...count {
                guard let next = first(where: { $0.applies(to: type, schema: schema) }) else { break }
                switch next.step {
                case .transform: schema += 1
                case .rename(let newType, let newSchema): (type, schema) = (newType, newSchema)
                case .retire: (type, schema) = ("", 0)
                }
            }
            if contains(where: { $0.applies(to: type, schema: schema) }) {
                return "the upcasters from \"\(upcaster.type)\" in schema \(upcaster.schema) lead in a circle"
            }
        }
        return nil
    }
}

extension Upcaster {
    /// What is wrong with the type and schema that this step leads to; nil when nothing is.
    fileprivate var targetFault: String? {
        switch step {
        case .transform where schema == .max: "has no schema to lead to"
        case .rename(let type, _) where type.isEmpty || Correction.isReserved(type):
            "leads to the event type \"\(type)\", which no aggregate can have"
        case .rename(_, let schema) where schema < 1: "leads to schema \(schema); schemas begin at 1"
        case .transform, .rename, .retire: nil
        }
    }

    fileprivate func overlaps(_ other: Upcaster) -> Bool {
        guard type.utf8.elementsEqual(other.type.utf8) else { return false }
        return applies(to: type, schema: other.schema) || other.applies(to: type, schema: schema)
    }
}

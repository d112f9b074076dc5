import DaybookBSON

/// What MongoDB makes of an update with `$set` and `$unset` alone:
/// https://www.mongodb.com/docs/manual/reference/operator/update/
///
/// A field that is there keeps its place. New ones come last, in the order of their names; where names that are numbers
/// stand among the others the manual leaves open, so that is asked for.
struct UpdateSimulation {
    /// Whether new fields named by numbers come before the others.
    var putsNumbersFirst: Bool

    struct Impossible: Error {
        var path: String
    }

    func apply(_ update: BSONDocument, to document: BSONDocument) throws -> BSONDocument {
        var result = BSONValue.document(document)
        for (operation, argument) in update.fields {
            guard case .document(let changes) = argument, ["$set", "$unset"].contains(operation) else {
                throw Impossible(path: operation)
            }
            for (path, value) in changes.fields.sorted(by: { isBefore($0.key, $1.key) }) {
                let parts = Self.parts(of: path)
                guard !parts.contains(where: \.isEmpty), !parts.contains(where: { $0.utf8.first == UInt8(ascii: "$") })
                else {
                    throw Impossible(path: path)
                }
                let new = operation == "$set" ? value : BSONValue?.none
                result = try change(result, at: parts[...], to: new)
            }
        }
        guard case .document(let changed) = result else { throw Impossible(path: "") }
        return changed
    }

    /// By bytes: a dot and an accent behind it are one character to Swift.
    private static func parts(of path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    private func isBefore(_ left: String, _ right: String) -> Bool {
        let (left, right) = (Self.parts(of: left), Self.parts(of: right))
        for (one, other) in zip(left, right) where !one.utf8.elementsEqual(other.utf8) {
            let (isNumber, isOtherNumber) = (Int(one) != nil, Int(other) != nil)
            if isNumber != isOtherNumber { return isNumber == putsNumbersFirst }
            return one.utf8.lexicographicallyPrecedes(other.utf8)
        }
        return left.count < right.count
    }

    private func change(_ value: BSONValue, at path: ArraySlice<String>, to new: BSONValue?) throws -> BSONValue {
        guard let key = path.first else { throw Impossible(path: "") }
        let rest = path.dropFirst()
        switch value {
        case .document(let document):
            var (result, isDone) = (BSONDocument(), false)
            for (name, old) in document.fields {
                guard !isDone, name.utf8.elementsEqual(key.utf8) else {
                    try result.append(name, old)
                    continue
                }
                isDone = true
                if !rest.isEmpty {
                    try result.append(name, change(old, at: rest, to: new))
                } else if let new {
                    try result.append(name, new)
                }
            }
            guard isDone else {
                guard rest.isEmpty, let new else { throw Impossible(path: key) }
                try result.append(key, new)
                return .document(result)
            }
            return .document(result)
        case .array(var elements):
            guard let index = Int(key), elements.indices.contains(index) else { throw Impossible(path: key) }
            elements[index] = rest.isEmpty ? new ?? .null : try change(elements[index], at: rest, to: new)
            return .array(elements)
        default:
            throw Impossible(path: key)
        }
    }
}

package import DaybookBSON

extension Field {
    /// Why queries by this field would look in the wrong place, judged by one state; nil when the state shows no fault.
    ///
    /// A nil value is not stored, so it shows nothing. A path into an array has no single place, so it is not judged.
    func fault(in state: Root, encodedAs document: BSONDocument) -> String? {
        guard let value = encodedValue(state), value != .null else { return nil }
        switch document.place(name) {
        case .value(let stored) where stored == value: return nil
        case .insideArray: return nil
        case .value:
            return
                "declares the field \"\(name)\" for a value that is encoded elsewhere\(hint(value, document)): under "
                + "that name the encoded "
                + "state has something else. Give the field the name that its value is encoded under"
        case .none:
            return
                "declares the field \"\(name)\", and the encoded state has no such field\(hint(value, document)). Give "
                + "the field the name that its value is encoded under"
        }
    }

    private func hint(_ value: BSONValue, _ document: BSONDocument) -> String {
        let places = document.places(of: value)
        guard places.isEmpty || places.count > 3 else {
            return "; its value is that of \(places.map { "\"\($0)\"" }.joined(separator: " or "))"
        }
        return ""
    }

    /// The name that the value is encoded under, when that is certainly not the declared one.
    ///
    /// The initial state alone does not show this, because a type may leave out what is nil or zero. So a copy's value
    /// is changed, where its type and key path allow that, and the encoded field that changes is the value's place.
    func otherName(in state: Root, encodedAs document: BSONDocument) -> String? {
        if let value = encodedValue(state), case .value(value) = document.place(name) { return nil }
        for changed in changes(state) {
            guard let encoded = try? BSONEncoder().encode(changed) else { continue }
            let places = document.differences(to: encoded).map(\.path)
            guard let first = places.first, !first.isEmpty else { continue }
            let isThere = places.contains { place in
                place.hasSameBytes(as: name) || place.utf8.starts(with: "\(name).".utf8)
                    || name.utf8.starts(with: "\(place).".utf8)
            }
            return isThere ? nil : first
        }
        return nil
    }
}

extension Queryable {
    /// Why queries by the declared fields would look in the wrong place, judged by one state.
    package static func fieldFaults(in state: Self, encodedAs document: BSONDocument) -> [String] {
        fields.compactMap { $0.fault(in: state, encodedAs: document) }
    }

    /// Checks that no declared field is certainly encoded under another name.
    ///
    /// - Throws: ``DaybookError/Code/invalidConfiguration`` with both names.
    package static func checkFields() throws(DaybookError) {
        let state = Self()
        guard let document = try? BSONEncoder().encode(state) else { return }
        for field in fields {
            guard let other = field.otherName(in: state, encodedAs: document) else { continue }
            throw DaybookError(
                .invalidConfiguration,
                "\(Self.self) declares the field \"\(field.name)\" for a value that is encoded as \"\(other)\": a "
                    + "query by it would find nothing. Give the field the name that its value is encoded under.")
        }
    }
}

private enum FieldPlace {
    case value(BSONValue)
    case insideArray
    case none
}

extension BSONDocument {
    fileprivate func place(_ path: String) -> FieldPlace {
        var document = self
        let parts = path.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map {
            String($0) ?? ""
        }
        for (index, part) in parts.enumerated() {
            guard let value = document[part] else { return .none }
            if index == parts.count - 1 { return .value(value) }
            switch value {
            case .document(let inner): document = inner
            case .array: return .insideArray
            default: return .none
            }
        }
        return .none
    }

    /// The dotted paths of the fields that have `value`.
    fileprivate func places(of value: BSONValue, in path: String = "") -> [String] {
        fields.flatMap { key, found -> [String] in
            let place = path.isEmpty ? key : "\(path).\(key)"
            if found == value { return [place] }
            if case .document(let inner) = found { return inner.places(of: value, in: place) }
            return []
        }
    }
}

/// What documents a query finds: the snapshots of a type, or the documents of a view.
enum DocumentKind: Sendable {
    case snapshots(of: AggregateType)
    case view(String)

    /// The name in the fingerprint of a page key. No type's name has a space, so a view's differs from all of them.
    var nameInPageKeys: String {
        switch self {
        case .snapshots(let type): type.rawValue
        case .view(let name): "view \(name)"
        }
    }

    /// Whether `text` can be the `_id` of such a document.
    func canHaveID(_ text: String) -> Bool {
        switch self {
        case .snapshots(let type): (try? AggregateID(parsing: text))?.type == type
        case .view: true
        }
    }

    /// An error that names the document with this `_id`; nil stands for an `_id` that is not a text.
    func error(_ code: DaybookError.Code, _ message: String, id: String?) -> DaybookError {
        switch self {
        case .snapshots: DaybookError(code, message, aggregateID: id)
        case .view(let name):
            DaybookError(
                code, "the document \(id.map { "\"\($0)\"" } ?? "without a key") of the view \"\(name)\": \(message)")
        }
    }
}

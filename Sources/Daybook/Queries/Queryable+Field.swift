extension Queryable {
    static func field(_ keyPath: AnyKeyPath) throws -> Field<Self> {
        guard let field = fields.first(where: { $0.keyPath == keyPath }) else {
            throw DaybookError(
                .invalidArgument, "\(keyPath) is not among the fields that \(Self.self) declares; add it to its fields")
        }
        return field
    }
}

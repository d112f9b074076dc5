extension Aggregate {
    /// Whether the aggregate declares ``Aggregate/keepsSnapshot``: then it may have states of which no snapshot is
    /// kept.
    package static var mayLoseSnapshot: Bool { keepsSnapshot != nil }

    /// Checks what the aggregate declares about its evolution: its `stateSchema`, upcasters and correction upcasters.
    ///
    /// - Throws: ``DaybookError/Code/invalidConfiguration`` with the first fault.
    package static func checkDeclaration() throws {
        let correctionSchemas = correctionUpcasters.map(\.schema)
        let fault: String? =
            if stateSchema < 1 {
                "its stateSchema is \(stateSchema); schemas begin at 1"
            } else if let schema = correctionSchemas.first(where: { $0 < 1 || $0 >= stateSchema }) {
                "a correction upcaster is for stateSchema \(schema), which is not an older one than \(stateSchema)"
            } else if Set(correctionSchemas).count < correctionSchemas.count {
                "two correction upcasters are for one stateSchema"
            } else {
                upcasters.fault
            }
        guard let fault else { return }
        throw DaybookError(
            .invalidConfiguration, "\(Self.self), the aggregate of type \"\(type)\", is declared wrongly: \(fault)")
    }
}

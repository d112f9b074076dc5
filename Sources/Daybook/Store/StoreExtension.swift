/// What a target above this one adds to a store: collections of its own, and work for ``DaybookStore/run()``.
package protocol StoreExtension: Sendable {
    /// The collections that it keeps, for ``DaybookStore/initialize(_:)-(Aggregate....)`` and for the roles.
    ///
    /// - Throws: ``DaybookError/Code/invalidConfiguration``
    func collections() throws -> [DatabasePlan.KeptCollection]

    /// Works until its task is cancelled; it logs faults, and starts again after them.
    func run(in store: DaybookStore, holder: String) async

    /// What is wrong with its work in this process now.
    func faults() -> [StoreHealth.Fault]
}

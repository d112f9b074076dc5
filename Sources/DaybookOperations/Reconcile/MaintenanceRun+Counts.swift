public import Daybook

extension MaintenanceRun {
    /// The findings of each kind.
    public var counts: [Finding.Kind: Int] {
        var counts: [Finding.Kind: Int] = [:]
        for kind in Finding.Kind.allCases { counts[kind] = countsByName[kind.rawValue] }
        return counts
    }
}

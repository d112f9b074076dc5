/// What underlies the ``DaybookError`` of a holder whose lease another process has acquired since.
package struct LeaseLost: Error {}

extension Lease {
    /// What a write throws that only the holder may do, after another process has acquired the lease.
    package var lost: DaybookError {
        DaybookError(
            .conflict,
            "the lease \"\(name)\" was lost: this process was held up for longer than it lasts, and another took it. "
                + "Start it again; it goes on where it is.",
            underlying: LeaseLost())
    }
}

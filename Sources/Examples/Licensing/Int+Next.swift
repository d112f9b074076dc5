extension Int {
    /// One more; the largest value stays as it is. A corrected count may have that value, and `apply` must never trap.
    var next: Int { self < .max ? self + 1 : self }
}

extension Int {
    /// One more; the largest there is stays as it is. A count that was corrected may be as large as that, and `apply` must never trap.
    var next: Int { self < .max ? self + 1 : self }
}

extension Account {
    /// The state that a test expects.
    public init(balance: Int, entries: Int) {
        self.init()
        self.balance = balance
        self.entries = entries
    }
}

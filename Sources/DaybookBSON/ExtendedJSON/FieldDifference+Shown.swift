extension FieldDifference {
    /// Both values as text for people. If the relaxed texts are equal, as for numbers of different types, both are in
    /// the canonical form.
    package func shown() -> (before: String?, after: String?) {
        let shown = (before: before?.shown(), after: after?.shown())
        guard shown.before == shown.after else { return shown }
        return (before?.shown(.canonical), after?.shown(.canonical))
    }
}

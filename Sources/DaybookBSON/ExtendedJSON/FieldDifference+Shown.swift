extension FieldDifference {
    /// Both values as they are shown to people; in the canonical form where they look the same otherwise, as numbers of different types do.
    package func shown() -> (before: String?, after: String?) {
        let shown = (before: before?.shown(), after: after?.shown())
        guard shown.before == shown.after else { return shown }
        return (before?.shown(.canonical), after?.shown(.canonical))
    }
}

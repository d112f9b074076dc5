/// A command or a rejection as Swift describes it, truncated when it is long.
func shown(_ value: Any) -> String {
    let text = "\(value)"
    return text.count > 200 ? "\(text.prefix(200))…" : text
}

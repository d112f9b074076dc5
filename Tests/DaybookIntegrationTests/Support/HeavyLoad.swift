import Testing

/// The suites that keep the server busy. They run one after the other: it is one process on a small machine, and a
/// hundred writers at a time prove no more than sixteen.
@Suite(.serialized) enum HeavyLoad {}

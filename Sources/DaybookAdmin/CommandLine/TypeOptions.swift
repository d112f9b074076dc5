internal import ArgumentParser
internal import Daybook

/// The types that a command is limited to.
struct TypeOptions: ParsableArguments {
    @Option(
        name: .customLong("type"),
        help: ArgumentHelp("Only aggregates of this type; may be repeated. (default: all)", valueName: "type"),
        transform: { try Arguments.type($0) })
    var types: [AggregateType] = []
}

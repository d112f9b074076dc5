internal import ArgumentParser
internal import Daybook

/// The aggregate that a command is about.
struct AggregateArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The aggregate, as in license/L-1.", valueName: "type/key"),
        transform: { try AggregateID(parsing: $0) })
    var id: AggregateID
}

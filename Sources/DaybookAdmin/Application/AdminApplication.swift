internal import ArgumentParser
public import Daybook

/// An application whose executable has Daybook's admin commands: what they must know of it.
///
/// ```swift
/// enum Library: AdminApplication {
///     static let name = "library"
///     static let aggregates: [any Aggregate.Type] = [Loan.self, Member.self]
/// }
///
/// @main struct LibraryCommand: AsyncParsableCommand {
///     static let configuration = CommandConfiguration(
///         commandName: Library.name, subcommands: [Lend.self], groupedSubcommands: Library.adminCommands)
///
///     static func main() async { await runProcess(of: Library.self) }
/// }
/// ```
public protocol AdminApplication: Sendable {
    /// The name of its executable, by which messages and the server's list of connections call it.
    static var name: String { get }

    /// The kinds of aggregates that it keeps. None unless declared: then it has those commands alone that need no code of an aggregate.
    static var aggregates: [any Aggregate.Type] { get }

    /// Changes how its stores are made, as in `DaybookConfiguration.allowedHeaders`. Nothing unless declared.
    static func configure(_ configuration: inout DaybookConfiguration)

    /// What is said of an error of the application's own, and the exit code that it ends the process with. Unless declared, nil: the error's
    /// description, and the exit code 2.
    static func failure(for error: any Error) -> CommandFailure?
}

extension AdminApplication {
    public static var aggregates: [any Aggregate.Type] { [] }
    public static func configure(_ configuration: inout DaybookConfiguration) {}
    public static func failure(for error: any Error) -> CommandFailure? { nil }
}

extension AdminApplication {
    /// Makes sure, before anything is sent, that the application has these types of aggregates. One without aggregates takes any.
    ///
    /// - Throws: A `ValidationError` that lists those it has.
    package static func requireKnown(_ types: [AggregateType]) throws {
        guard !aggregates.isEmpty else { return }
        let known = Set(aggregates.map { $0.type })
        for type in types where !known.contains(type) { throw unknown(type) }
    }

    /// The aggregate of a type.
    ///
    /// - Throws: A `ValidationError` that lists those there are.
    package static func aggregate(_ type: AggregateType) throws -> any Aggregate.Type {
        guard let aggregate = aggregates.first(where: { $0.type == type }) else { throw unknown(type) }
        return aggregate
    }

    private static func unknown(_ type: AggregateType) -> ValidationError {
        let known = aggregates.map { $0.type.rawValue }.sorted().joined(separator: ", ")
        return ValidationError("There is no aggregate type \"\(type)\". The types of \(name): \(known).")
    }
}

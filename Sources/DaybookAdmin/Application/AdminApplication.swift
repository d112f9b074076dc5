internal import ArgumentParser
public import Daybook
public import DaybookSubscriptions

/// An application whose executable has Daybook's admin commands: what the commands must know of it.
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
    /// The name of its executable, used in messages and in the server's list of connections.
    static var name: String { get }

    /// The application's aggregates. None unless declared; it then has only those commands that need no aggregate's
    /// code.
    static var aggregates: [any Aggregate.Type] { get }

    /// The application's subscriptions and projections. None unless declared.
    static var subscriptions: [Subscription] { get }

    /// Changes the configuration of its stores, such as `DaybookConfiguration.allowedHeaders`. Nothing unless declared.
    static func configure(_ configuration: inout DaybookConfiguration)

    /// The message and the exit code for an error of the application's own. Nil unless declared: then the message is
    /// the error's description, and the exit code is 2.
    static func failure(for error: any Error) -> CommandFailure?
}

extension AdminApplication {
    /// No aggregates: only the commands that need none.
    public static var aggregates: [any Aggregate.Type] { [] }
    /// No subscriptions.
    public static var subscriptions: [Subscription] { [] }
    /// Leaves the configuration as it is.
    public static func configure(_ configuration: inout DaybookConfiguration) {}
    /// No error is a refusal by the domain.
    public static func failure(for error: any Error) -> CommandFailure? { nil }
}

extension AdminApplication {
    /// Checks, before anything is sent, that the application has these types of aggregates. An application without
    /// aggregates accepts any type.
    ///
    /// - Throws: A `ValidationError` that lists the application's types.
    package static func requireKnown(_ types: [AggregateType]) throws {
        guard !aggregates.isEmpty else { return }
        let known = Set(aggregates.map { $0.type })
        for type in types where !known.contains(type) { throw unknown(type) }
    }

    /// The aggregate of a type.
    ///
    /// - Throws: A `ValidationError` that lists the application's types.
    package static func aggregate(_ type: AggregateType) throws -> any Aggregate.Type {
        guard let aggregate = aggregates.first(where: { $0.type == type }) else { throw unknown(type) }
        return aggregate
    }

    private static func unknown(_ type: AggregateType) -> ValidationError {
        let known = aggregates.map { $0.type.rawValue }.sorted().joined(separator: ", ")
        return ValidationError("There is no aggregate type \"\(type)\". The types of \(name): \(known).")
    }
}

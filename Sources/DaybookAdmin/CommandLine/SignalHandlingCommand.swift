public import ArgumentParser

/// A command that handles `SIGINT` and `SIGTERM` itself, as a server does that drains first.
public protocol SignalHandlingCommand: AsyncParsableCommand {}

import ArgumentParser
@testable import DaybookAdmin
import Daybook
import Testing

@Suite("Failures")
struct CommandFailureTests {
    @Test("the application's own errors come first; Daybook's are its sentence; what is no failure is none")
    func errors() {
        let own = CommandFailure(Library.Closing(), of: Library.self)
        #expect(own?.label == "refused")
        #expect(own?.exitCode == .findings)
        let daybook = CommandFailure(
            DaybookError(.conflict, "too late", aggregateID: "loan/1", operation: "correct"), of: Library.self)
        #expect(daybook?.message == "correct loan/1: too late")
        #expect(daybook?.exitCode == .failed)
        #expect(
            CommandFailure(CommandFailure("no", exitCode: .interrupted), of: Library.self)?.exitCode == .interrupted)
        #expect(CommandFailure(CancellationError(), of: Library.self) == nil)
        // Credentials that are wrong are not a matter of roles.
        #expect(CommandFailure(DaybookError(.unauthorized, "no"), of: Library.self)?.message == "no")
    }
}

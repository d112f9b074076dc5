internal import Foundation

/// Another driver's view: a Python that has pymongo, as `DAYBOOK_PYTHON` names it.
package enum Python {
    package struct Missing: Error, CustomStringConvertible {
        package let description =
            "These tests need a Python with pymongo: run scripts/test, or set DAYBOOK_PYTHON to one."
    }

    package struct Failed: Error, CustomStringConvertible {
        package let ending: ChildProcess.Ending?
        package let output: [String]

        package var description: String {
            "the Python program ended with \(ending.map { "\($0)" } ?? "nothing"); it wrote:\n\(output.joined(separator: "\n"))"
        }
    }

    /// Runs `program` and returns what it prints.
    ///
    /// - Throws: ``Failed`` unless it exits with 0; its own words are on the standard error output.
    package static func run(_ program: String, _ arguments: [String] = [], input: String = "") async throws -> [String]
    {
        guard let path = ProcessInfo.processInfo.environment["DAYBOOK_PYTHON"], !path.isEmpty else { throw Missing() }
        // Isolated: neither PYTHONPATH nor the current directory may put another module in front.
        let child = try ChildProcess(URL(fileURLWithPath: path), ["-I", "-c", program] + arguments, input: input)
        var output: [String] = []
        for await line in child.lines { output.append(line) }
        let ending = await child.ending()
        guard ending == .exited(status: 0) else { throw Failed(ending: ending, output: output) }
        return output
    }
}

extension [UInt8] {
    package var hexadecimal: String {
        map { String(format: "%02x", $0) }.joined()
    }

    package init?(hexadecimal text: String) {
        guard text.utf8.count.isMultiple(of: 2) else { return nil }
        self = []
        var rest = Substring(text)
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
            append(byte)
            rest = rest.dropFirst(2)
        }
    }
}
